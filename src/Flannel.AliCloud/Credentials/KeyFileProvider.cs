using System.Security.Cryptography;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>A key in a file that was given on purpose, in a form of <see cref="KeyFileFormat"/>; read again when the file changes.</summary>
public sealed class KeyFileProvider : ICredentialProvider
{
    /// <summary>The name of the systemd credential, as in <c>LoadCredential=access-key:/etc/flannel/access-key</c>.</summary>
    public const string SystemdCredential = "access-key";

    private readonly WatchedFile? file;
    private readonly ILogger logger;
    private readonly string? whyNone;
    private bool warned;

    /// <summary>The file of <c>--access-key-file</c>.</summary>
    public KeyFileProvider(string path, ILogger logger)
        : this(new WatchedFile(path), $"access key file {Redaction.Path(path)}", null, logger)
    {
    }

    private KeyFileProvider(WatchedFile? file, string name, string? whyNone, ILogger logger) =>
        (this.file, Name, this.whyNone, this.logger) = (file, name, whyNone, logger);

    public string Name { get; }

    /// <summary>What systemd decrypted or passed on for this service, below <c>$CREDENTIALS_DIRECTORY</c>. A service may have other credentials and no key.</summary>
    public static KeyFileProvider OfSystemd(Func<string, string?> environment, ILogger logger)
    {
        var folder = environment("CREDENTIALS_DIRECTORY");
        return string.IsNullOrEmpty(folder)
            ? new(null, $"systemd credential {SystemdCredential}", "CREDENTIALS_DIRECTORY is not set", logger)
            : new(new WatchedFile(Path.Combine(folder, SystemdCredential)), $"systemd credential {SystemdCredential}", $"systemd gave this service no credential {SystemdCredential}", logger);
    }

    public bool HasChanged() => file is not null && file.HasChanged();

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(Read());

    private ProviderResult Read()
    {
        if (file is null) return new ProviderResult.NotConfigured(whyNone!);
        var state = file.Read(out var bytes, out var why);
        if (state == FileState.Absent && whyNone is not null) return new ProviderResult.NotConfigured(whyNone);
        if (state != FileState.Read) return new ProviderResult.Failed($"{Name} {why}");
        if (file.IsReadableByAll && !warned)
        {
            warned = true;
            logger.KeyFileReadableByAll(Redaction.Path(file.Path));
        }

        try
        {
            return KeyFileFormat.Parse(bytes, out var error) is { } key ? new ProviderResult.Found(key) : new ProviderResult.Failed($"{Name}: {error}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }
}
