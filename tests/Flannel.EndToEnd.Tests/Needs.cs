using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What a test needs of the machine: it is skipped with the reason where that is missing (with CI=true build.sh makes a skip a failure).</summary>
internal static class Needs
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

    public static void Program(string path)
    {
        if (!File.Exists(path))
        {
            Assert.Skip($"no {path} on this machine");
        }
    }
}
