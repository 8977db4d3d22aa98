namespace Flannel.Testbed;

/// <summary>What a node must keep during a fault: its process, its subnet and its lease.</summary>
public sealed record ClusterNodeState(string Node, int ProcessId, string? Subnet, string LeaseKey, long EtcdLeaseId, long CreateRevision);

/// <summary>The state of all nodes at one moment.</summary>
public sealed class ClusterSnapshot
{
    private ClusterSnapshot(IReadOnlyList<ClusterNodeState> nodes) => Nodes = nodes;

    public IReadOnlyList<ClusterNodeState> Nodes { get; }

    /// <exception cref="TestbedException">A daemon has ended, a node has not exactly one lease, or two nodes have the same
    /// subnet.</exception>
    public static async Task<ClusterSnapshot> TakeAsync(ClusterVpc vpc, IEnumerable<ClusterNode> nodes, CancellationToken cancel)
    {
        var leases = await vpc.LeasesAsync(cancel);
        List<ClusterNodeState> found = [];
        foreach (var node in nodes)
        {
            if (node.Daemon.HasExited)
            {
                throw new TestbedException($"flanneld of {node.Name} has ended\n{node.Daemon.AllOutput}");
            }
            var own = leases.Where(lease => lease.Value.Contains($"\"{node.Instance.PublicIp}\"", StringComparison.Ordinal)).ToList();
            if (own.Count != 1)
            {
                throw new TestbedException($"{node.Name} has {own.Count} leases\n{node.Daemon.AllOutput}");
            }
            var file = await node.Instance.ReadSubnetFileAsync(cancel);
            found.Add(new ClusterNodeState(node.Name, node.Daemon.Id, file?["FLANNEL_SUBNET"], own[0].Key,
                own[0].LeaseId, own[0].CreateRevision));
        }
        var shared = found.GroupBy(node => node.Subnet).FirstOrDefault(group => group.Count() > 1);
        return shared is null
            ? new ClusterSnapshot(found)
            : throw new TestbedException($"{string.Join(" and ", shared.Select(node => node.Node))} have {shared.Key ?? "no subnet.env"}");
    }

    /// <summary>One line for each node whose state differs.</summary>
    public IReadOnlyList<string> ChangesSince(ClusterSnapshot before) =>
    [
        .. before.Nodes.Zip(Nodes).Where(pair => pair.First != pair.Second).Select(pair => $"{pair.First} changed to {pair.Second}"),
    ];
}
