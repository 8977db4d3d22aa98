using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Flannel.Core;

/// <summary>The outcome of <see cref="SmallFile.Read"/>.</summary>
public abstract record SmallFileResult
{
    private SmallFileResult()
    {
    }

    /// <param name="Content">May be a secret: the caller overwrites it after use.</param>
    public sealed record Present(byte[] Content, SmallFileVersion Version, UnixFileMode Mode) : SmallFileResult;

    /// <param name="Reason">The rest of a line that begins with the file's name.</param>
    public sealed record Unusable(SmallFileFault Fault, string Reason) : SmallFileResult;
}

/// <summary>Why a file cannot be used.</summary>
public enum SmallFileFault
{
    /// <summary>There is no such file.</summary>
    Missing,

    /// <summary>It is a directory, or this user may not read it.</summary>
    Denied,

    /// <summary>It is a pipe, a device or too large, or reading it failed.</summary>
    Invalid,
}

/// <summary>Distinguishes the versions of a file without reading them.</summary>
/// <param name="Written">UTC.</param>
/// <param name="Length">In bytes.</param>
public readonly record struct SmallFileVersion(DateTime Written, long Length);

/// <summary>Reads a file that the operator names, such as a password, a certificate or a key. It must be a regular file, also behind
/// symbolic links. No method waits for another process: the usual way to open a named pipe waits for its writer.</summary>
public static class SmallFile
{
    /// <summary>Sufficient for the CA bundles of distributions, which have about 230 KiB.</summary>
    public const int MaxBytes = 1 << 20;

    private const string NotRegular = "is a pipe or a device; use a regular file, which can be read more than once";

    public static SmallFileResult Read(string path)
    {
        try
        {
            using var file = Open(path);
            var version = VersionOf(file);
            return ReadBounded(file, version.Length) is { } content
                ? new SmallFileResult.Present(content, version, File.GetUnixFileMode(file))
                : Invalid(version.Length == 0 ? NotRegular : $"is larger than {MaxBytes} bytes");
        }
        catch (NotSupportedException)
        {
            return Invalid(NotRegular); // it has no length: a pipe or a terminal
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new SmallFileResult.Unusable(SmallFileFault.Missing, "does not exist");
        }
        catch (UnauthorizedAccessException)
        {
            var reason = Directory.Exists(path) ? "is a directory" : "may not be read by this user";
            return new SmallFileResult.Unusable(SmallFileFault.Denied, reason);
        }
        catch (IOException e)
        {
            return Invalid($"cannot be read: {FileError.Reason(path, e)}");
        }
    }

    /// <summary>Checks that a file can be read.</summary>
    /// <returns>The error is the rest of a line that begins with the file's name.</returns>
    public static Result<Unit> CheckReadable(string path)
    {
        var result = Read(path);
        if (result is SmallFileResult.Unusable unusable) return Result.Failure(unusable.Reason);
        if (result is SmallFileResult.Present present) CryptographicOperations.ZeroMemory(present.Content);
        return Unit.Instance;
    }

    /// <summary>Null if the file cannot be opened or is a pipe.</summary>
    public static SmallFileVersion? ReadVersion(string path)
    {
        try
        {
            using var file = Open(path);
            return VersionOf(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Opens any kind of file for reading, and does not wait for the other end of a pipe.</summary>
    /// <exception cref="IOException">As <see cref="File.OpenHandle"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As <see cref="File.OpenHandle"/>.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (!File.Exists(path)) return File.OpenHandle(path);
        var descriptor = Posix.Open(path, Posix.ReadOnly | Posix.NonBlocking | Posix.CloseOnExec, 0);
        // .NET fails as well, and throws an exception with the reason.
        return descriptor < 0 ? File.OpenHandle(path) : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static SmallFileVersion VersionOf(SafeFileHandle file) => new(File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));

    /// <summary>Reads to the end, because the length of some files, such as those in /proc, is 0.</summary>
    /// <returns>Null if there is more than <see cref="MaxBytes"/>.</returns>
    private static byte[]? ReadBounded(SafeFileHandle file, long length)
    {
        if (length > MaxBytes) return null;
        var buffer = new byte[(int)length + 1];
        var count = 0;
        while (RandomAccess.Read(file, buffer.AsSpan(count), count) is > 0 and var read)
        {
            count += read;
            if (count < buffer.Length) continue;
            var full = buffer;
            if (count <= MaxBytes) buffer = Enlarge(full);
            CryptographicOperations.ZeroMemory(full);
            if (count > MaxBytes) return null;
        }

        var content = buffer[..count];
        CryptographicOperations.ZeroMemory(buffer);
        return content;
    }

    private static byte[] Enlarge(byte[] full)
    {
        var larger = new byte[Math.Min(Math.Max(4096, full.Length * 2), MaxBytes + 1)];
        full.CopyTo(larger, 0);
        return larger;
    }

    private static SmallFileResult.Unusable Invalid(string reason) => new(SmallFileFault.Invalid, reason);
}
