using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The tests of <see cref="KubernetesTest"/> run one after another on one cluster, which takes several seconds to
/// start.</summary>
[CollectionDefinition]
public sealed class KubeClusterCollection : ICollectionFixture<SharedKubeCluster>;

/// <summary>A cluster of three instances; the first test that needs it starts it.</summary>
public sealed class SharedKubeCluster : IAsyncDisposable
{
    private KubeCluster? cluster;

    public async Task<KubeCluster> GetAsync(CancellationToken cancel) =>
        cluster ??= await KubeCluster.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(3) }, cancel);

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null) await cluster.DisposeAsync();
    }
}
