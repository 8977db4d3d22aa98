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

    /// <summary>Starts a machine with the programs of the named folders, the first before the others, and of this machine.</summary>
    /// <remarks>The libraries are in the cache of the loader, and not in LD_LIBRARY_PATH: dockerd and podman start helpers without their
    /// environment.</remarks>
    public static async Task<HostMachine> StartMachineAsync(EcsInstance instance, CancellationToken cancel, params string[] names)
    {
        var machine = await HostMachine.StartAsync(instance, EnvironmentOf(names), cancel);
        try
        {
            var libraries = new[] { In(Common, "lib"), In(Common, "usr", "lib") }
                .SelectMany(folder => Directory.GetDirectories(folder, "*-linux-gnu"));
            await machine.WriteAsync("/etc/ld.so.conf.d/hosts.conf", string.Join('\n', libraries) + "\n", cancel);
            await machine.RunAsync(cancel, "/sbin/ldconfig");
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    private static Dictionary<string, string> EnvironmentOf(IReadOnlyList<string> names) => new()
    {
        ["PATH"] = string.Join(':', [.. names.SelectMany(name => new[] { In(name, "usr", "sbin"), In(name, "usr", "bin") }),
            "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
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
