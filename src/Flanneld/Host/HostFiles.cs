using System.Text;
using Flannel.Core;
using Flannel.HostNetwork;

namespace Flanneld.Host;

/// <summary>The files of a host that a command describes. Nothing is written.</summary>
/// <param name="Root">The folder of the files; <c>/</c> outside of tests.</param>
internal sealed record HostFiles(string Root)
{
    private const string HostRoot = "/";

    public static readonly HostFiles OfThisHost = new(HostRoot);

    public string PathOf(string path) => Root == HostRoot ? path : Path.Combine(Root, path.TrimStart('/'));

    /// <summary>A file of the kernel; null if it does not exist or cannot be read.</summary>
    public string? Read(string path) => KernelFile.Read(PathOf(path));

    /// <summary>A file of an operator; null if there is none; fails with the rest of a line that begins with its name.</summary>
    public Result<string>? ReadSettings(string path) => SmallFile.Read(PathOf(path)) switch
    {
        SmallFileResult.Present present => Encoding.UTF8.GetString(present.Content),
        SmallFileResult.Unusable { Fault: SmallFileFault.Missing } => null,
        SmallFileResult.Unusable unusable => Result.Failure(unusable.Reason),
        _ => null,
    };

    /// <summary>A file of any kind, or a folder.</summary>
    public bool Exists(string path) => Path.Exists(PathOf(path));

    /// <summary>The names in a folder; empty if it does not exist or cannot be read.</summary>
    public IReadOnlyList<string> List(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(PathOf(folder)).Select(path => Path.GetFileName(path))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
