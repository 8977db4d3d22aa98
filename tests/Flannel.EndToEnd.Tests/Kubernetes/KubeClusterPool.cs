using System.Collections.Concurrent;
using Flannel.EndToEnd.Tests.Kubernetes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

[assembly: AssemblyFixture(typeof(KubeClusterPool))]

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The clusters of <see cref="KubernetesTest"/>. The classes run in parallel, because their tests mostly wait: each test has a
/// cluster of three instances for itself, and leaves it to the next one, because a cluster takes several seconds to start.</summary>
public sealed class KubeClusterPool : IAsyncDisposable
{
    private readonly ConcurrentBag<KubeCluster> unused = [];

    /// <summary>A cluster without Nodes, Leases and routes, with the permissions of our manifest.</summary>
    public async Task<KubeCluster> TakeAsync(CancellationToken cancel) => unused.TryTake(out var cluster)
        ? cluster
        // STS issues keys to the service account of the daemons (RRSA).
        : await KubeCluster.StartAsync(
            new CloudSetup { Instances = CloudSetup.MakeInstances(3), IsRoleAssumed = true }, cancel);

    /// <summary>Makes the cluster as it was before, and keeps it for another test.</summary>
    public async Task ReturnAsync(KubeCluster cluster)
    {
        try
        {
            await cluster.ClearAsync(CancellationToken.None);
            await cluster.RestoreAsync(CancellationToken.None);
            unused.Add(cluster);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in unused) await cluster.DisposeAsync();
    }
}
