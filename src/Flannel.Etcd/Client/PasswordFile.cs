using System.Security.Cryptography;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>The password in a file, read for each authentication. If the file is missing or empty, such as during its replacement, the
/// former password stays in use. Thread-safe.</summary>
public sealed class PasswordFile
{
    private readonly string path;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private Secret password;
    private string? lastLogged;

    private PasswordFile(string path, Secret password, ILogger logger) =>
        (this.path, this.password, this.logger) = (path, password, logger);

    /// <returns>The error names the option and the file.</returns>
    public static Result<PasswordFile> Open(string path, ILogger logger) =>
        Read(path).Select(password => new PasswordFile(path, password, logger));

    public Secret Current()
    {
        lock (gate)
        {
            var read = Read(path);
            if (read.Ok) password = read.Value;
            else if (lastLogged != read.Error) EtcdLog.FormerFileUsed(logger, read.Error);
            lastLogged = read.Error;
            return password;
        }
    }

    private static Result<Secret> Read(string path) => SmallFile.Read(path) switch
    {
        SmallFileResult.Present present => Parse(path, present.Content),
        SmallFileResult.Unusable unusable => Result.Failure($"--etcd-password-file {Redaction.Path(path)} {unusable.Reason}"),
        var other => throw new InvalidOperationException($"unexpected {other.GetType()}"),
    };

    private static Result<Secret> Parse(string path, byte[] bytes)
    {
        var text = bytes.AsSpan();
        if (text.StartsWith("\uFEFF"u8)) text = text[3..];
        // Editors end a file with a line feed, which is not a part of the password.
        var password = new Secret(text.TrimEnd("\r\n"u8));
        CryptographicOperations.ZeroMemory(bytes);
        return password.IsEmpty ? Result.Failure($"--etcd-password-file {Redaction.Path(path)} is empty") : password;
    }
}
