using System.Security.Cryptography;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key in a file that was configured, in a form of <see cref="KeyFileFormat"/>. The file is read again when it
/// changes.</summary>
public sealed class KeyFileProvider : ICredentialProvider
{
    /// <summary>The name of the systemd credential, as in <c>LoadCredential=access-key:/etc/flannel/access-key</c>.</summary>
    public const string SystemdCredential = "access-key";

    private readonly WatchedFile? file;
    private readonly ILogger logger;
    private readonly string? absentReason;
    private bool warned;

    /// <summary>The file of <c>--access-key-file</c>.</summary>
    public KeyFileProvider(string path, ILogger logger)
        : this(new WatchedFile(path), $"access key file {Redaction.Path(path)}", null, logger)
    {
    }

    /// <param name="file">Null if the provider is not configured.</param>
    /// <param name="absentReason">Why the provider is not configured if there is no file; null if a missing file is a failure.</param>
    private KeyFileProvider(WatchedFile? file, string name, string? absentReason, ILogger logger) =>
        (this.file, Name, this.absentReason, this.logger) = (file, name, absentReason, logger);

    public string Name { get; }

    /// <summary>The credential that systemd passes to this service in <c>$CREDENTIALS_DIRECTORY</c>. A service may have other credentials
    /// and no key.</summary>
    public static KeyFileProvider FromSystemd(Func<string, string?> environment, ILogger logger)
    {
        const string name = $"systemd credential {SystemdCredential}";
        var directory = environment("CREDENTIALS_DIRECTORY");
        return string.IsNullOrEmpty(directory)
            ? new(null, name, "CREDENTIALS_DIRECTORY is not set", logger)
            : new(new WatchedFile(Path.Combine(directory, SystemdCredential)), name,
                $"systemd passes no credential {SystemdCredential} to this service", logger);
    }

    public bool HasChanged() => file is not null && file.HasChanged();

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(Read());

    private ProviderResult Read()
    {
        if (file is null) return new ProviderResult.NotConfigured(absentReason!);
        var result = file.Read();
        if (result is SmallFileResult.Unusable unusable)
        {
            return unusable.Fault == SmallFileFault.Missing && absentReason is not null
                ? new ProviderResult.NotConfigured(absentReason)
                : new ProviderResult.Failed($"{Name} {unusable.Reason}");
        }

        if (file.IsReadableByAll && !warned)
        {
            warned = true;
            logger.KeyFileReadableByAll(Redaction.Path(file.Path));
        }

        var content = ((SmallFileResult.Present)result).Content;
        try
        {
            return ProviderResult.From(KeyFileFormat.Parse(content).WithErrorPrefix($"{Name}: "));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
