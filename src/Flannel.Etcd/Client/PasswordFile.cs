using System.Security.Cryptography;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>The password in a file, read for each authentication. A file that is missing or empty, as while it is being replaced, leaves
/// the former password in use.</summary>
public sealed class PasswordFile
{
    private readonly string path;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private Secret password;
    private string? lastLogged;

    private PasswordFile(string path, Secret password, ILogger logger) =>
        (this.path, this.password, this.logger) = (path, password, logger);

    /// <param name="problem">What is wrong with the file, in one line that names it; empty when the answer is not null.</param>
    public static PasswordFile? Open(string path, ILogger logger, out string problem)
    {
        var read = Read(path);
        problem = read.Problem;
        return read.Password is { } password ? new PasswordFile(path, password, logger) : null;
    }

    public Secret Current()
    {
        lock (gate)
        {
            var read = Read(path);
            if (read.Password is { } newest) password = newest;
            else if (lastLogged != read.Problem) EtcdLog.FormerFileUsed(logger, read.Problem);
            lastLogged = read.Problem;
            return password;
        }
    }

    /// <param name="Password">Null when there is a problem.</param>
    /// <param name="Problem">Empty when there is none.</param>
    private sealed record Content(Secret? Password, string Problem);

    private static Content Read(string path)
    {
        switch (SmallFile.Read(path))
        {
            case SmallFileResult.Present present:
                return Parse(path, present.Content);
            case SmallFileResult.Unusable unusable:
                return new Content(null, $"--etcd-password-file {Redaction.Path(path)} {unusable.Reason}");
            case var other:
                throw new InvalidOperationException($"unexpected {other.GetType()}");
        }
    }

    private static Content Parse(string path, byte[] bytes)
    {
        var text = bytes.AsSpan();
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        // Editors end a file with a line feed that is no part of the password.
        var password = new Secret(text.TrimEnd("\r\n"u8));
        CryptographicOperations.ZeroMemory(bytes);
        return password.IsEmpty ? new Content(null, $"--etcd-password-file {Redaction.Path(path)} is empty") : new Content(password, "");
    }
}
