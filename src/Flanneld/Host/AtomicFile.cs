using Flannel.Core;

namespace Flanneld.Host;

/// <summary>A small file that is replaced as a whole or not at all, with mode 0644 whatever the umask.</summary>
internal static class AtomicFile
{
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static Result<Unit> Write(string path, byte[] content)
    {
        var temporary = $"{path}.{Environment.ProcessId}.new";
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode };
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                File.SetUnixFileMode(stream.SafeFileHandle, Mode);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            return Unit.Instance;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            return Result.Failure(FileError.Describe("write", path, e));
        }
    }

    /// <summary>Succeeds if the file does not exist.</summary>
    public static Result<Unit> Remove(string path)
    {
        try
        {
            File.Delete(path);
            return Unit.Instance;
        }
        catch (DirectoryNotFoundException)
        {
            return Unit.Instance;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Result.Failure(FileError.Describe("remove", path, e));
        }
    }

    private static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The caller reports the first error, which is the cause.
        }
    }
}
