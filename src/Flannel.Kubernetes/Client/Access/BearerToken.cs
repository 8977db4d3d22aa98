using System.Security.Cryptography;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The token of one access. Kubernetes replaces a projected token before it expires, so the file is read for each request. A file
/// that cannot be used leaves the former token in use. Not thread-safe.</summary>
internal sealed class BearerToken(ClusterAccess access, ILogger logger)
{
    private Secret? former = access.Token;
    private string? lastReported;

    /// <returns>An empty secret for no token. The error names the file.</returns>
    public Result<Secret> Current()
    {
        if (access.TokenFile is null) return access.Token ?? new Secret("");
        var read = Read(access.TokenFile);
        if (read.Ok)
        {
            former = read.Value;
            lastReported = null;
            return read;
        }

        if (former is null) return read;
        if (lastReported != read.Error) logger.FormerContentUsed(read.Error);
        lastReported = read.Error;
        return former;
    }

    private static Result<Secret> Read(string path)
    {
        var name = $"token file {Redaction.Path(path)}";
        switch (SmallFile.Read(path))
        {
            case SmallFileResult.Present present:
                var token = new Secret(present.Content.AsSpan().Trim(" \t\r\n"u8));
                CryptographicOperations.ZeroMemory(present.Content);
                if (token.IsEmpty) return Result.Failure($"{name} is empty");
                return token.Reveal().ContainsAnyExceptInRange((byte)'!', (byte)'~')
                    ? Result.Failure($"{name} holds no token: it has spaces or characters that no token has")
                    : token;

            case SmallFileResult.Unusable unusable:
                return Result.Failure($"{name} {unusable.Reason}");
            case var other:
                throw new InvalidOperationException($"unexpected {other.GetType()}");
        }
    }
}
