using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A file that holds a secret: read whole and bounded, and told apart from its next version without reading it.</summary>
internal sealed class WatchedFile(string path)
{
    // A reference: whoever asks on another thread must not see half of a version.
    private volatile SeenVersion? seen;

    public string Path => path;

    /// <summary>Whether every user of the machine could read what was read last.</summary>
    public bool IsReadableByAll { get; private set; }

    /// <summary>Through links: a mounted secret is replaced by moving a link above it. A file that is being replaced, or gone, has not
    /// changed: what was read is as good as any.</summary>
    /// <remarks>On any thread, also while another one reads the file.</remarks>
    public bool HasChanged() => SmallFile.ReadVersion(path) is { } version && version != seen?.Version;

    /// <param name="bytes">Of the file; whoever takes them overwrites them.</param>
    /// <param name="why">The rest of a sentence that begins with the file's name; empty when it was read.</param>
    public FileState Read(out byte[] bytes, out string why)
    {
        var result = SmallFile.Read(path);
        if (result is SmallFileResult.Present present)
        {
            (bytes, why, seen) = (present.Content, "", new SeenVersion(present.Version));
            IsReadableByAll = (present.Mode & UnixFileMode.OtherRead) != 0;
            return FileState.Read;
        }

        var unusable = (SmallFileResult.Unusable)result;
        (bytes, why) = ([], unusable.Reason);
        // One that cannot be used is not read again before it changes.
        if (unusable.Fault == SmallFileFault.Invalid) seen = new SeenVersion(SmallFile.ReadVersion(path));
        return unusable.Fault switch
        {
            SmallFileFault.Missing => FileState.Absent,
            SmallFileFault.Denied => FileState.Closed,
            _ => FileState.Bad,
        };
    }

    private sealed record SeenVersion(SmallFileVersion? Version);
}

internal enum FileState { Read, Absent, Closed, Bad }
