using Flannel.Core;

namespace Flanneld.Host;

/// <summary>How a change of a file ended.</summary>
internal abstract record FileResult
{
    private FileResult()
    {
    }

    public sealed record Done : FileResult;

    /// <param name="Error">One line.</param>
    public sealed record Failed(string Error) : FileResult;
}

/// <summary>A small file that is replaced as a whole or not at all, with mode 0644 whatever the umask.</summary>
internal static class AtomicFile
{
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static readonly FileResult Done = new FileResult.Done();

    public static FileResult Write(string path, byte[] content)
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
            return Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            return new FileResult.Failed($"cannot write {Redaction.Path(path)}: {Redaction.FileError(path, e)}");
        }
    }

    /// <summary>Done if there is none.</summary>
    public static FileResult Remove(string path)
    {
        try
        {
            File.Delete(path);
            return Done;
        }
        catch (DirectoryNotFoundException)
        {
            return Done;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new FileResult.Failed($"cannot remove {Redaction.Path(path)}: {Redaction.FileError(path, e)}");
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
            // The reason that was reported first is the one to act on.
        }
    }
}
