namespace Flannel.Testbed.Kubernetes;

/// <summary>The kube-apiserver that eng/kube_apiserver.sh has compiled.</summary>
public static class KubePrograms
{
    /// <summary>The trait of the tests that start an API server: <c>./build.sh test-kubernetes</c> selects them by it.</summary>
    public const string TraitName = "needs";
    public const string TraitValue = "kube-apiserver";

    /// <summary>The variable in which build.sh passes the path of kube-apiserver.</summary>
    private const string ApiServerVariable = "FLANNEL_KUBE_APISERVER";

    /// <summary>Why no API server can be started; null if one can.</summary>
    public static string? Unavailable { get; } = FindApiServer() is null
        ? "kube-apiserver is not compiled: ./build.sh test-kubernetes compiles it"
        : File.Exists(EtcdServer.Program) ? null : $"no {EtcdServer.Program} on this machine";

    /// <returns>The path of the executable.</returns>
    /// <exception cref="TestbedException">It is not compiled.</exception>
    public static string RequireApiServer() => FindApiServer() ?? throw new TestbedException(Unavailable!);

    private static string? FindApiServer()
    {
        if (Environment.GetEnvironmentVariable(ApiServerVariable) is { Length: > 0 } path) return File.Exists(path) ? path : null;
        // A test that runs without build.sh takes the newest.
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var results = new DirectoryInfo(Path.Combine(cache, "flannel-aot"));
        return results.Exists
            ? results.GetDirectories("kube-apiserver-*").OrderByDescending(result => result.LastWriteTimeUtc)
                .Select(result => Path.Combine(result.FullName, "kube-apiserver")).FirstOrDefault(File.Exists)
            : null;
    }
}
