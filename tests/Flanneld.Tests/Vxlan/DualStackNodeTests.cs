using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Node;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Vxlan;

/// <summary>The life of a node of a dual-stack cluster, on a simulated host.</summary>
public sealed class DualStackNodeTests() : TunnelNodeTest(Config)
{
    private const string Config =
        """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"vxlan"}}""";

    private static readonly IpAddress s_address = IpAddress.Parse("fd00:1::11");

    [Fact]
    public async Task Each_family_has_a_device_and_the_lease_and_the_file_name_both_subnets()
    {
        var node = Start(s_address);
        await node.UntilAsync("is ready", () => node.IsReady);
        var ipv6 = OwnLease.Key.Ipv6Subnet!.Value;
        var created = Commands.Lines.Single(line => line.StartsWith("link add flannel-v6.1 ", StringComparison.Ordinal));
        var mac = created.Split(' ')[4];
        Assert.Equal(
            $"link add flannel-v6.1 address {mac} mtu 1430 type vxlan id 1 dev eth0 local fd00:1::11 dstport 8472 nolearning", created);
        Assert.Equal($$"""{"VNI":1,"VtepMAC":"{{mac}}"}""", OwnLease.Attributes.BackendV6Data);
        Assert.Equal("fd00:1::11", OwnLease.Attributes.PublicIpv6);
        Assert.DoesNotContain(mac, OwnLease.Attributes.BackendData!, StringComparison.Ordinal);
        await node.UntilAsync(
            "has its address", () => Commands.Lines.Contains($"address add {IpAddress.V6(ipv6.Address)}/128 dev flannel-v6.1 nodad"));
        Assert.Contains(Commands.Lines, line => line.StartsWith("link add flannel.1 address ", StringComparison.Ordinal)
            && line.Contains(" mtu 1450 ", StringComparison.Ordinal));
        var file = await File.ReadAllTextAsync(node.SubnetPath, TestContext.Current.CancellationToken);
        Assert.Contains(
            $"FLANNEL_IPV6_NETWORK=fc00::/48\n{SubnetEnv.SubnetLine(ipv6)}FLANNEL_MTU=1430\n", file, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_of_both_families_is_forwarded_to_by_both_devices_and_one_without_IPv6_by_one()
    {
        var node = Start(s_address);
        await node.UntilAsync("is ready", () => node.IsReady);
        Subnets.WriteLease("10.24.78.0/24", Peer(78));
        Subnets.WriteLease("10.24.79.0-24&fc00:0:0:79::-64", Peer(79) with
        {
            PublicIpv6 = "fd00:1::79",
            BackendV6Data = """{"VNI":1,"VtepMAC":"0e:00:00:00:06:79"}""",
        });
        await node.UntilAsync("forwards IPv6", () => Commands.Lines.Contains(
            "route replace fc00:0:0:79::/64 via fc00:0:0:79:: dev flannel-v6.1 onlink proto 142"));
        await node.UntilAsync("forwards IPv4", () => Commands.Lines.Contains(RouteTo(78)) && Commands.Lines.Contains(RouteTo(79)));
        Assert.Contains("fdb replace 0e:00:00:00:06:79 dev flannel-v6.1 dst fd00:1::79 self permanent", Commands.Lines);
        Assert.DoesNotContain(Commands.Lines, line => line.Contains("0e:00:00:00:00:78 dev flannel-v6.1", StringComparison.Ordinal));
        Assert.False(node.Log.Has(1156));
    }

    [Fact]
    public async Task A_host_without_an_IPv6_address_gets_no_lease_and_one_line()
    {
        var node = Start(null);
        Assert.Equal(
            "EnableIPv6 is true, and the interface between the hosts has no IPv6 address other than link-local ones:"
            + " give it one, or choose another with --iface",
            await node.EndAsync());
        Assert.Empty(Subnets.Leases);
        Assert.Empty(Commands.Lines);
    }

    [Fact]
    public async Task A_later_failure_of_the_IPv6_tunnel_does_not_affect_IPv4()
    {
        var node = Start(s_address);
        await node.UntilAsync("is ready", () => node.IsReady);
        Commands.FindError = (arguments, input) =>
            arguments.Contains("flannel-v6.1") || input.Contains("flannel-v6.1", StringComparison.Ordinal) ? "ip failed" : null;
        await node.UntilAsync("warns", () => node.Log.Has(1169));
        await node.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.True(node.IsReady);
        Assert.True(node.HasFile);
        Assert.False(node.Log.Has(1154));
        var warning = Assert.Single(node.Log.Lines, line => line.EventId == 1169);
        Assert.Equal(LogLevel.Warning, warning.Level);

        // The tunnel of IPv4 works meanwhile.
        Subnets.WriteLease("10.24.78.0/24", Peer(78));
        await node.UntilAsync("forwards IPv4", () => Commands.Lines.Contains(RouteTo(78)));
        Commands.FindError = (_, _) => null;
        await node.UntilAsync("recovers", () => node.Log.Has(1155));
    }

    [Fact]
    public async Task A_restart_keeps_both_subnets()
    {
        var node = Start(s_address);
        await node.UntilAsync("is ready", () => node.IsReady);
        var key = OwnLease.Key;
        await StopAsync(node);
        Subnets.DeleteLease(key);
        var again = Start(s_address);
        await again.UntilAsync("is ready", () => again.IsReady);
        Assert.Equal(key, OwnLease.Key);
    }

    /// <summary>The route of the IPv4 subnet is the same, and the route controller may be unavailable.</summary>
    [Fact]
    public async Task A_restart_with_IPv6_enabled_keeps_the_file_until_the_new_key_has_a_route_status()
    {
        Subnets.WriteConfig("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""");
        var node = Start(s_address, new KnownIdentity());
        await node.UntilAsync("has a lease", () => node.State.IsLeaseHeld);
        PublishAvailable();
        await node.UntilAsync("is ready", () => node.IsReady);
        await StopAsync(node);

        Subnets.WriteConfig(Config.Replace("vxlan", "ali-vpc", StringComparison.Ordinal));
        var again = Start(s_address, new KnownIdentity());
        await again.UntilAsync("reads that there is no status", () => again.State.IsRouteRead);
        Assert.NotNull(OwnLease.Key.Ipv6Subnet);
        await again.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.True(again.HasFile);
        Assert.False(again.IsReady);
        PublishAvailable();
        await again.UntilAsync("is ready", () => again.IsReady);
        var file = await File.ReadAllTextAsync(again.SubnetPath, TestContext.Current.CancellationToken);
        Assert.Contains("FLANNEL_IPV6_SUBNET=", file, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alloc")]
    [InlineData("vxlan")]
    public async Task Every_backend_leases_both_families(string backend)
    {
        Subnets.WriteConfig(Config.Replace("vxlan", backend, StringComparison.Ordinal));
        var node = Start(s_address);
        await node.UntilAsync("is ready", () => node.IsReady);
        Assert.NotNull(OwnLease.Key.Ipv6Subnet);
        Assert.Equal("fd00:1::11", OwnLease.Attributes.PublicIpv6);
        Assert.Equal(backend == "vxlan", OwnLease.Attributes.BackendV6Data is not null);
    }

    [Theory]
    [InlineData("\"VNI\":10000", "Backend.VNI 10000 is too large for EnableIPv6: it must be at most 9999")]
    [InlineData("\"MTU\":1349", "Backend.MTU 1349 is too small for EnableIPv6: it must be at least 1350")]
    public async Task Settings_that_IPv6_cannot_work_with_are_rejected(string setting, string error)
    {
        Subnets.WriteConfig(Config.Replace("\"vxlan\"", $"\"vxlan\",{setting}", StringComparison.Ordinal));
        var node = Start(s_address);
        await node.UntilAsync("reports it", () => node.Log.Texts.Any(text => text.Contains(error, StringComparison.Ordinal)));
        Assert.Empty(Subnets.Leases);
    }

    private static LeaseAttributes Peer(int number) => new(
        Ipv4Address.Parse($"192.168.1.{number}"), null, "vxlan", $$"""{"VNI":1,"VtepMAC":"0e:00:00:00:00:{{number}}"}""", null);

    private static string RouteTo(int number) =>
        $"route replace 10.24.{number}.0/24 via 10.24.{number}.0 dev flannel.1 onlink proto 142";

    private void PublishAvailable() => Subnets.PublishRouteStatus(
        new RouteStatus(OwnLease.Subnet.ToString(), "i-1", ["vtb-1"], RouteState.Available, "", "", DateTimeOffset.UnixEpoch));

    private TestNode Start(IpAddress? ipv6Address, INodeIdentity? identity = null) => StartNode(identity ?? new NoIdentity(), ipv6Address);
}
