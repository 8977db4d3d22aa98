using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Flannel.AliVpc.Credentials;

/// <summary>The key in the file of <c>--access-key-file</c>, in a form of <see cref="KeyFileFormat"/>; read again when the file changes.</summary>
public sealed class KeyFileProvider(string path, ILogger logger) : ICredentialProvider
{
    private const int LargestFile = 64 << 10;

    private (DateTime Written, long Length)? seen;
    private bool warned;

    public string Name => $"access key file {path}";

    /// <summary>Through links: a mounted secret is replaced by moving a link above it.</summary>
    public bool HasChanged()
    {
        try
        {
            using var file = File.OpenHandle(path);
            return seen != Fingerprint(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // being replaced, or gone: the key that was read is as good as any
        }
    }

    public ValueTask<ProviderAnswer> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(Read());

    private ProviderAnswer Read()
    {
        try
        {
            using var file = File.OpenHandle(path);
            seen = Fingerprint(file);
            if (seen is not { Length: <= LargestFile }) return new ProviderAnswer.Failed($"{Name} is larger than {LargestFile} bytes");
            if (!warned && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & UnixFileMode.OtherRead) != 0)
            {
                warned = true;
                logger.KeyFileReadableByAll(path);
            }

            return Parse(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new ProviderAnswer.Failed(e switch
            {
                FileNotFoundException or DirectoryNotFoundException => $"{Name} does not exist",
                UnauthorizedAccessException => $"{Name} may not be read",
                _ => $"{Name} cannot be read: {e.Message}",
            });
        }
    }

    private ProviderAnswer Parse(SafeFileHandle file)
    {
        var buffer = new byte[LargestFile];
        try
        {
            var length = 0;
            while (length < buffer.Length && RandomAccess.Read(file, buffer.AsSpan(length), length) is > 0 and var read) length += read;
            return KeyFileFormat.Parse(buffer.AsSpan(0, length), out var error) is { } key
                ? new ProviderAnswer.Found(key)
                : new ProviderAnswer.Failed($"{Name}: {error}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private static (DateTime, long) Fingerprint(SafeFileHandle file) => (File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
}
