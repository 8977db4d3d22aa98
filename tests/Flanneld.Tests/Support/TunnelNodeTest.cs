using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Node;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Support;

/// <summary>A test of nodes with a VXLAN device, one after the other on one simulated host.</summary>
public abstract class TunnelNodeTest : IAsyncLifetime
{
    private readonly FakeTimeProvider time = new();
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly List<TestNode> nodes = [];

    /// <param name="config">The network configuration.</param>
    protected TunnelNodeTest(string config)
    {
        Subnets = new InMemorySubnetManager(time);
        Subnets.WriteConfig(config);
    }

    private protected SimulatedHostCommands Commands { get; } = new();

    private protected InMemorySubnetManager Subnets { get; }

    private protected Lease OwnLease =>
        Subnets.Leases.Single(lease => lease.Attributes.PublicIp == Ipv4Address.Parse("192.168.1.11"));

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes) await node.DisposeAsync();
        Directory.Delete(directory, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <param name="ipv6Address">Of the interface between the hosts; null without one.</param>
    private protected TestNode StartNode(INodeIdentity identity, IpAddress? ipv6Address = null)
    {
        var node = new TestNode(Subnets, directory, time, identity, Commands, ipv6Address);
        nodes.Add(node);
        return node;
    }

    private protected async Task StopAsync(TestNode node)
    {
        await node.DisposeAsync();
        nodes.Remove(node);
    }
}
