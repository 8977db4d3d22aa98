using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Flannel.Core;

/// <summary>What reading a small file came to.</summary>
public abstract record SmallFileResult
{
    private SmallFileResult()
    {
    }

    /// <param name="Content">May be a secret: the caller overwrites it after use.</param>
    /// <param name="Version">Of the file that was read.</param>
    /// <param name="Mode">Of the file that was read.</param>
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

/// <summary>Tells the versions of a file apart without reading them.</summary>
/// <param name="Written">UTC.</param>
/// <param name="Length">In bytes.</param>
public readonly record struct SmallFileVersion(DateTime Written, long Length);

/// <summary>A file that the operator names, such as a password, a certificate or a key. It is a regular file, also behind symbolic links.
/// Nothing here waits for another process: to open a named pipe in the usual way waits for its writer.</summary>
public static partial class SmallFile
{
    /// <summary>The CA bundles of distributions have about 230 KiB.</summary>
    public const int MaxBytes = 1 << 20;

    private const string NotRegular = "is a pipe or a device; use a regular file, which can be read more than once";

    // Linux on x64 and arm64, fcntl.h.
    private const int ReadOnly = 0;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

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
            return Invalid(NotRegular); // no length: a pipe or a terminal
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
            return Invalid($"cannot be read: {Redaction.FileError(path, e)}");
        }
    }

    /// <summary>For a check before the file is used. Null when it can be read.</summary>
    /// <returns>The rest of a line that begins with the file's name.</returns>
    public static string? FindProblem(string path)
    {
        var result = Read(path);
        if (result is SmallFileResult.Present present) CryptographicOperations.ZeroMemory(present.Content);
        return (result as SmallFileResult.Unusable)?.Reason;
    }

    /// <summary>Null when the file cannot be opened or is a pipe.</summary>
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

    /// <summary>Opens whatever has this path for reading, and does not wait for the other end of a pipe.</summary>
    /// <exception cref="IOException">As <see cref="File.OpenHandle"/>.</exception>
    /// <exception cref="UnauthorizedAccessException">As <see cref="File.OpenHandle"/>.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (!File.Exists(path)) return File.OpenHandle(path);
        var descriptor = OpenDescriptor(path, ReadOnly | NonBlocking | CloseOnExec, 0);
        // .NET fails as well, and its exception has the reason.
        return descriptor < 0 ? File.OpenHandle(path) : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static SmallFileVersion VersionOf(SafeFileHandle file) => new(File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));

    /// <summary>To the end, since the length of some files, as in /proc, is 0.</summary>
    /// <returns>Null when there is more than <see cref="MaxBytes"/>.</returns>
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

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags, int mode);
}
