using Microsoft.Win32.SafeHandles;

namespace Flannel.AliVpc.Credentials;

/// <summary>A file that holds a secret: read whole and bounded, and told apart from its next version without reading it.</summary>
internal sealed class WatchedFile(string path)
{
    private const int LargestFile = 64 << 10;

    private (DateTime Written, long Length)? seen;

    public string Path => path;

    /// <summary>Whether every user of the machine could read what was read last.</summary>
    public bool IsReadableByAll { get; private set; }

    /// <summary>Through links: a mounted secret is replaced by moving a link above it.</summary>
    public bool HasChanged()
    {
        try
        {
            using var file = File.OpenHandle(path);
            return seen != Fingerprint(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return false; // being replaced, or gone: what was read is as good as any
        }
    }

    /// <param name="bytes">Of the file; whoever takes them overwrites them.</param>
    /// <param name="why">The rest of a sentence that begins with the file's name; empty when it was read.</param>
    public FileState Read(out byte[] bytes, out string why)
    {
        (bytes, why) = ([], "");
        try
        {
            using var file = File.OpenHandle(path);
            seen = Fingerprint(file);
            if (seen is not { Length: <= LargestFile and var expected })
            {
                why = $"is larger than {LargestFile} bytes";
                return FileState.Bad;
            }

            IsReadableByAll = !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & UnixFileMode.OtherRead) != 0;
            bytes = new byte[expected];
            var length = 0;
            while (length < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(length), length) is > 0 and var read) length += read;
            return FileState.Read;
        }
        catch (NotSupportedException)
        {
            // A pipe, such as a shell's <(…): what it gave once is gone at the next reading.
            why = "is not a regular file: a key is read more than once";
            return FileState.Bad;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            bytes = [];
            var state = e is FileNotFoundException or DirectoryNotFoundException ? FileState.Absent
                : e is UnauthorizedAccessException ? FileState.Closed
                : FileState.Bad;
            why = state switch
            {
                FileState.Absent => "does not exist",
                FileState.Closed => Directory.Exists(path) ? "is a directory" : "may not be read by this user",
                _ => $"cannot be read: {e.Message}",
            };
            return state;
        }
    }

    private static (DateTime, long) Fingerprint(SafeFileHandle file) => (File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
}

internal enum FileState { Read, Absent, Closed, Bad }
