using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.RouteController.Tests.Support;

/// <summary>All keys of a cluster in <see cref="InMemoryLeases"/>.</summary>
internal sealed record ClusterContent(
    NetworkConfig? Config, IReadOnlyList<Lease> Leases, ClusterId? Cluster, byte[]? AbsentLeases, object? Holder)
{
    /// <summary>An empty store into which an operator has put the configuration again.</summary>
    public static ClusterContent Empty(NetworkConfig? config) => new(config, [], null, null, null);
}
