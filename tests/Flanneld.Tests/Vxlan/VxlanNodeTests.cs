using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Vxlan;

/// <summary>The life of a node with backend vxlan, on a simulated host.</summary>
public sealed class VxlanNodeTests() : TunnelNodeTest(Config)
{
    private const string Config = """{"Network":"10.24.0.0/16","Backend":{"Type":"vxlan"}}""";

    [Fact]
    public async Task The_device_exists_before_the_lease_and_the_entries_before_the_file()
    {
        Subnets.WriteLease("10.24.77.0/24", Peer("192.168.1.77", "0e:00:00:00:00:77"));
        var node = Start();
        await node.UntilAsync("is ready", () => node.IsReady);

        Assert.StartsWith("link add flannel.1 address ", Commands.Lines[0], StringComparison.Ordinal);
        var mac = Commands.Lines[0].Split(' ')[4];
        Assert.Equal($$"""{"VNI":1,"VtepMAC":"{{mac}}"}""", OwnLease.Attributes.BackendData);
        Assert.Contains($"address add {OwnLease.Subnet.Address}/32 dev flannel.1", Commands.Lines);
        Assert.Contains("route replace 10.24.77.0/24 via 10.24.77.0 dev flannel.1 onlink proto 142", Commands.Lines);
        var file = await File.ReadAllTextAsync(node.SubnetPath, TestContext.Current.CancellationToken);
        Assert.Contains("FLANNEL_MTU=1450\n", file, StringComparison.Ordinal);
        Assert.Null(node.Candidates.Created);
    }

    [Fact]
    public async Task A_peer_that_leases_later_is_forwarded_to()
    {
        var node = Start();
        await node.UntilAsync("is ready", () => node.IsReady);
        Subnets.WriteLease("10.24.78.0/24", Peer("192.168.1.78", "0e:00:00:00:00:78"));
        await node.UntilAsync(
            "forwards to it",
            () => Commands.Lines.Contains("fdb replace 0e:00:00:00:00:78 dev flannel.1 dst 192.168.1.78 self permanent"));
        Assert.Contains("device flannel.1 forwards to 1 other node", node.Log.Texts);
    }

    [Theory]
    [InlineData("0e:00:00:00:00:01", "0e:00:00:00:00:02", "0e:00:00:00:00:01")]
    [InlineData(null, "0e:00:00:00:00:02", "0e:00:00:00:00:02")]
    public async Task The_MAC_address_is_that_of_the_device_or_else_of_the_lease(string? device, string lease, string expected)
    {
        if (device is not null) Commands.CreateDevice(device);
        Subnets.WriteLease("10.24.5.0/24", Peer("192.168.1.11", lease));
        var node = Start();
        await node.UntilAsync("is ready", () => node.IsReady);
        Assert.Equal($$"""{"VNI":1,"VtepMAC":"{{expected}}"}""", OwnLease.Attributes.BackendData);
        Assert.Equal(device is null, Commands.Lines.Contains(
            $"link add flannel.1 address {expected} mtu 1450 type vxlan id 1 dev eth0 local 192.168.1.11 dstport 8472 nolearning"));
    }

    [Fact]
    public async Task A_host_that_cannot_have_the_device_gets_no_lease()
    {
        Commands.Error = "backend vxlan needs CAP_NET_ADMIN";
        var node = Start();
        Assert.Equal("backend vxlan needs CAP_NET_ADMIN", await node.EndAsync());
        Assert.Empty(Subnets.Leases);
        Assert.False(node.HasFile);
    }

    [Fact]
    public async Task A_later_failure_makes_the_node_not_ready_and_keeps_the_file()
    {
        var node = Start();
        await node.UntilAsync("is ready", () => node.IsReady);
        Commands.Error = "ip did not end within 15 s";
        await node.UntilAsync("is not ready", () => !node.IsReady);
        Assert.True(node.HasFile);
        await node.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(LogLevel.Error, Assert.Single(node.Log.Lines, line => line.EventId == 1154).Level);

        Commands.Error = null;
        await node.UntilAsync("is ready again", () => node.IsReady);
        Assert.Single(node.Log.Lines, line => line.EventId == 1155);
    }

    [Fact]
    public async Task The_file_waits_for_the_device()
    {
        var node = Start(() => Commands.Error = Subnets.Leases.Count > 0 ? "ip failed" : null);
        await node.UntilAsync("reports it", () => node.Log.Has(1154));
        Assert.False(node.HasFile);
        Assert.Single(Subnets.Leases);
    }

    private static LeaseAttributes Peer(string publicIp, string mac) =>
        new(Ipv4Address.Parse(publicIp), null, "vxlan", $$"""{"VNI":1,"VtepMAC":"{{mac}}"}""", null);

    /// <param name="onCommand">Called before each command.</param>
    private TestNode Start(Action? onCommand = null)
    {
        Commands.OnCommand = onCommand;
        return StartNode(new NoIdentity());
    }
}
