using System.Collections.Concurrent;
using Flannel.Core.Leases;
using Flannel.Etcd.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Many nodes at once, each over a connection of its own, against one real etcd. <c>./build.sh bench crowd</c> measures the cost;
/// this test bounds it.</summary>
public sealed class ConcurrentAcquireTests(SharedEtcd shared)
{
    private const int Nodes = 300;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nodes_that_start_or_restart_at_the_same_time_hold_distinct_subnets_at_a_constant_cost()
    {
        shared.CreateFixture();
        // 510 subnets for 300 nodes: some choices are contested.
        var registry = new RegistryFixture(shared.Process.Connect(), $"/concurrent-{Guid.NewGuid():N}/network");
        await registry.PublishConfigAsync("""{"Network":"10.24.0.0/15","Backend":{"Type":"ali-vpc"}}""");
        var first = await StartAllAsync(registry.Keys.Prefix, _ => null);
        Assert.All(first, node => Assert.False(node.Held.WasFound));
        // A read, a grant and a write each; a lost race costs a write more and no read.
        Assert.InRange(first.Sum(node => node.Etcd.Requests.Count), 3 * Nodes, 5 * Nodes);
        Assert.All(first, node => Assert.InRange(node.Etcd.Requests.Count, 3, 12));
        Assert.All(first, node => Assert.Single(node.Etcd.Requests, request => request == "LeaseGrant"));

        var again = await StartAllAsync(registry.Keys.Prefix, node => first[node].Held.Lease.Subnet.ToString());
        Assert.Equal(first.Select(node => node.Held.Lease), again.Select(node => node.Held.Lease));
        Assert.All(again, node => Assert.Equal(["Txn", "LeaseKeepAlive"], node.Etcd.Requests));
        Assert.All(again, node => Assert.InRange(node.Etcd.BytesRead, 1, 1000));

        var withoutFile = await StartAllAsync(registry.Keys.Prefix, _ => null);
        Assert.Equal(first.Select(node => node.Held.Lease), withoutFile.Select(node => node.Held.Lease));
        Assert.All(withoutFile, node => Assert.Equal(["Txn", "Txn", "LeaseKeepAlive"], node.Etcd.Requests));
        Assert.All(withoutFile, node => Assert.InRange(node.Etcd.BytesRead, 1, 1500));
    }

    private sealed record Node(InstrumentedEtcd Etcd, HeldLease Held);

    private async Task<IReadOnlyList<Node>> StartAllAsync(string prefix, Func<int, string?> previous)
    {
        var held = new ConcurrentDictionary<int, Node>();
        await Task.WhenAll(Enumerable.Range(0, Nodes).Select(async node =>
        {
            await Task.Yield();
            // The time of the connection stands still: however busy the machine is, no request times out and is repeated.
            var fixture = new RegistryFixture(shared.Process.Connect(time: new FakeTimeProvider()), prefix);
            held[node] = new Node(fixture.Etcd, await fixture.AcquireAsync($"192.168.{node / 250}.{node % 250 + 1}", previous(node)));
        }));
        Assert.Equal(Nodes, held.Values.Select(node => node.Held.Lease.Subnet).Distinct().Count());
        return [.. Enumerable.Range(0, Nodes).Select(node => held[node])];
    }
}
