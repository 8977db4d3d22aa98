using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Scale;

/// <summary>Many leases of one VPC. Each change makes a new list of them, as the watch of etcd does.</summary>
internal sealed class ScaleLeases : ILeaseSource
{
    public const string Region = "cn-hangzhou";

    private static readonly NetworkConfig Config = new()
    {
        Network = Ipv4Network.Parse("10.0.0.0/8"),
        SubnetLength = 24,
        SubnetMin = Ipv4Address.Parse("10.0.1.0"),
        SubnetMax = Ipv4Address.Parse("10.255.255.0"),
        BackendType = "ali-vpc",
    };

    private readonly SortedDictionary<int, Lease> leases = [];
    private TaskCompletionSource changed = new();
    private long generation = 1;
    private LeaseSnapshot? snapshot;

    public static Ipv4Network SubnetOf(int node) => new(new Ipv4Address(0x0A000000 + ((uint)node << 8)), 24);

    public static AliVpcBackendData DataOf(int node, int tables) =>
        new(Region, ScaleCloud.VpcId, ScaleCloud.VSwitchId(node % tables), $"i-bp1{node:d17}", $"eni-bp1{node:d17}", true);

    public void Add(int node, int tables)
    {
        var attributes = new LeaseAttributes(
            new Ipv4Address(0xC0A80000 + (uint)node), null, "ali-vpc", DataOf(node, tables).ToJson(), null);
        leases[node] = new Lease(new SubnetKey(SubnetOf(node)), attributes, new TestLeaseIdentity(node, node), node);
        NotifyWatchers();
    }

    public Task RunAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);

    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) =>
        new(snapshot ??= new LeaseSnapshot(Config, [.. leases.Values], generation, IsComplete: true)
        {
            Generation = generation,
            Listing = 1,
        });

    public async Task ChangedAfterAsync(long seen, CancellationToken cancellation)
    {
        while (generation <= seen) await changed.Task.WaitAsync(cancellation);
    }

    private void NotifyWatchers()
    {
        generation++;
        snapshot = null;
        var before = changed;
        changed = new TaskCompletionSource();
        before.TrySetResult();
    }
}
