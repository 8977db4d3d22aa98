namespace Flannel.HostNetwork;

/// <summary>The folders in which programs of the host are searched, in order.</summary>
public sealed record ProgramFolders(IReadOnlyList<string> Folders)
{
    /// <summary>The PATH of an ordinary user often lacks the folders of administrators' programs.</summary>
    private static readonly string[] StandardFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

    /// <summary>Our container images set it (<c>packaging/container/build.sh</c>).</summary>
    public const string ImageVariable = "FLANNELD_IMAGE";

    private const string PlainImage = "plain";

    /// <summary>As a value of PATH.</summary>
    public string SearchPath => string.Join(':', Folders);

    /// <summary>Whether this process runs in the container image that has no programs.</summary>
    public bool IsPlainImage { get; init; }

    /// <summary>Those of PATH, and the standard ones.</summary>
    public static ProgramFolders OfThisHost()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return new ProgramFolders([.. path.Split(':', StringSplitOptions.RemoveEmptyEntries), .. StandardFolders])
        {
            IsPlainImage = Environment.GetEnvironmentVariable(ImageVariable) == PlainImage,
        };
    }

    /// <summary>How to get a missing program.</summary>
    /// <param name="package">As a distribution names it.</param>
    public string Advise(string package) =>
        IsPlainImage ? "use the container image whose tag ends in -tools" : $"install {package}";

    /// <summary>The path of a program; null if it is not installed.</summary>
    public string? Find(string program) => Folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
