using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Programs of Debian that eng/hosts.sh has unpacked below artifacts/hosts.</summary>
internal static class HostPrograms
{
    private const string Folder = "FLANNEL_TEST_HOSTS";

    /// <summary>runc and libraries of bookworm, which are old enough for each release.</summary>
    public const string Common = "common";

    private static readonly string folder = Environment.GetEnvironmentVariable(Folder) is { Length: > 0 } path
        ? path
        : Path.Combine(Locations.Repository(), "artifacts", "hosts");

    /// <summary>A folder with <c>bin/busybox</c> and a page that returns the address of the client.</summary>
    public static string Image => In("image");

    public static string Busybox => In("image", "bin", "busybox");

    /// <summary>The flannel plugin and those that it delegates to.</summary>
    public static string CniPlugins => In("cni", "usr", "lib", "cni");

    public static string In(params string[] below) => Path.Combine([folder, .. below]);

    /// <summary>The environment with the programs of the named folders, the first before the others, and of this machine.</summary>
    public static Dictionary<string, string> EnvironmentOf(params string[] names) => new()
    {
        ["PATH"] = string.Join(':', [.. names.SelectMany(name => new[] { In(name, "usr", "sbin"), In(name, "usr", "bin") }),
            "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
        ["LD_LIBRARY_PATH"] = string.Join(':', Directory.GetDirectories(In(Common, "usr", "lib"), "*-linux-gnu")),
        ["HOME"] = "/root",
        ["LC_ALL"] = "C.UTF-8",
    };

    /// <summary>Skips the test if a folder is missing.</summary>
    public static async Task RequireAsync(params string[] names)
    {
        await EndToEnd.Tests.Require.NamespacesAsync();
        foreach (var name in (string[])["image", Common, .. names])
        {
            Assert.SkipUnless(Directory.Exists(In(name)), $"no {In(name)}: ./build.sh test-hosts fetches it");
        }
    }
}
