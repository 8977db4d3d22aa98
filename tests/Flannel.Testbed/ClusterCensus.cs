namespace Flannel.Testbed;

/// <summary>What a node has and must not lose: its process, its subnet, and the very lease.</summary>
public sealed record ClusterNodeState(string Node, int ProcessId, string? Subnet, string LeaseKey, long EtcdLeaseId, long CreateRevision);

/// <summary>All nodes at one moment.</summary>
public sealed class ClusterCensus
{
    private ClusterCensus(IReadOnlyList<ClusterNodeState> nodes) => Nodes = nodes;

    public IReadOnlyList<ClusterNodeState> Nodes { get; }

    /// <exception cref="TestbedException">A daemon has ended, or two leases name one subnet.</exception>
    public static async Task<ClusterCensus> TakeAsync(ClusterVpc vpc, IEnumerable<ClusterNode> nodes, CancellationToken cancel)
    {
        var leases = await vpc.LeasesAsync(cancel);
        List<ClusterNodeState> found = [];
        foreach (var node in nodes)
        {
            if (node.Daemon.HasExited)
            {
                throw new TestbedException($"flanneld of {node.Name} has ended\n{node.Daemon.Everything}");
            }
            var own = leases.Where(lease => lease.Value.Contains($"\"{node.Instance.PublicIp}\"", StringComparison.Ordinal)).ToList();
            if (own.Count != 1)
            {
                throw new TestbedException($"{node.Name} has {own.Count} leases\n{node.Daemon.Everything}");
            }
            var file = await node.Instance.ReadSubnetFileAsync(cancel);
            found.Add(new ClusterNodeState(node.Name, node.Daemon.Id, file?["FLANNEL_SUBNET"], own[0].Key, own[0].LeaseId, own[0].CreateRevision));
        }
        var twice = found.GroupBy(node => node.Subnet).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? new ClusterCensus(found) : throw new TestbedException($"{string.Join(" and ", twice.Select(node => node.Node))} both have {twice.Key ?? "no subnet.env"}");
    }

    /// <summary>One line for each node that is not as it was.</summary>
    public IReadOnlyList<string> LostSince(ClusterCensus before) => [.. before.Nodes.Zip(Nodes).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First} became {pair.Second}")];
}
