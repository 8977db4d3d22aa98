using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A file with a secret. It detects a new version of the file without reading it.</summary>
internal sealed class WatchedFile(string path)
{
    // A reference, not a struct: another thread must not see a part of a version.
    private volatile ReadVersion? lastRead;

    public string Path => path;

    /// <summary>True if every user could read the file when it was read last.</summary>
    public bool IsReadableByAll { get; private set; }

    /// <summary>True if the file differs from the version that was read last. Symbolic links are followed: a mounted secret is replaced by
    /// moving a link above it. A file that is missing has not changed: the last content stays in use.</summary>
    /// <remarks>Thread-safe, also while another thread reads the file.</remarks>
    public bool HasChanged() => SmallFile.ReadVersion(path) is { } version && version != lastRead?.Version;

    public SmallFileResult Read()
    {
        var result = SmallFile.Read(path);
        switch (result)
        {
            case SmallFileResult.Present present:
                lastRead = new ReadVersion(present.Version);
                IsReadableByAll = (present.Mode & UnixFileMode.OtherRead) != 0;
                break;
            case SmallFileResult.Unusable { Fault: SmallFileFault.Invalid }:
                // A file that is unusable is not read again before it changes.
                lastRead = new ReadVersion(SmallFile.ReadVersion(path));
                break;
        }

        return result;
    }

    /// <param name="Version">Null if it is unknown.</param>
    private sealed record ReadVersion(SmallFileVersion? Version);
}
