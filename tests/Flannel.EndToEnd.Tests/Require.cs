using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests;

/// <summary>Requirements of tests. A test is skipped if one is missing; with CI=true build.sh counts a skipped test as failed.</summary>
internal static class Require
{
    private static readonly Lazy<Task<string?>> namespaces = new(() => NetworkNamespace.UnavailableAsync(CancellationToken.None));

    public static async Task NamespacesAsync()
    {
        if (await namespaces.Value is { } reason)
        {
            Assert.Skip(reason);
        }
    }

    public static void NativeExecutable()
    {
        if (!File.Exists(Locations.Flanneld))
        {
            Assert.Skip($"no native executable at {Locations.Flanneld}: ./build.sh publish makes it");
        }
    }

    public static void KubeApiServer()
    {
        if (KubePrograms.Unavailable is { } reason)
        {
            Assert.Skip(reason);
        }
    }

    public static void Program(string path)
    {
        if (!File.Exists(path))
        {
            Assert.Skip($"no {path} on this machine");
        }
    }
}
