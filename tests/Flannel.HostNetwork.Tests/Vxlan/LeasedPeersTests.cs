using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class LeasedPeersTests
{
    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");
    private static readonly VxlanPeer s_self = new(
        Ipv4Network.Parse("10.24.1.0/24"), Ipv4Address.Parse("192.168.1.1"), MacAddress.Parse("0e:00:00:00:00:01"));

    /// <summary>The value is byte for byte what flannel v0.19.2 and today's flannel write (<c>LeaseAttrs</c>,
    /// <c>vxlanLeaseAttrs</c>).</summary>
    [Theory]
    [InlineData(
        """{"PublicIP":"192.168.1.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"3a:8e:5f:0c:11:d2"}}""")]
    [InlineData("""{"PublicIP":"192.168.1.2","BackendType":"vxlan","BackendData":{"VtepMAC":"3a:8e:5f:0c:11:d2"}}""")]
    public void A_lease_of_upstream_flannel_is_read(string value)
    {
        var peers = Read(Lease("10.24.2.0/24", value));
        Assert.Equal(
            [new VxlanPeer(Ipv4Network.Parse("10.24.2.0/24"), Ipv4Address.Parse("192.168.1.2"), MacAddress.Parse("3a:8e:5f:0c:11:d2"))],
            peers.Peers);
        Assert.Empty(peers.Rejected);
    }

    [Fact]
    public void Our_lease_has_upstreams_text() =>
        Assert.Equal(
            """{"PublicIP":"192.168.1.2","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"3a:8e:5f:0c:11:d2"}}""",
            Encoding.UTF8.GetString(
                new LeaseAttributes(
                    Ipv4Address.Parse("192.168.1.2"), null, "vxlan",
                    new VxlanBackendData(1, MacAddress.Parse("3A-8E-5F-0C-11-D2")).ToJson(), null).ToJson()));

    [Fact]
    public void Leases_of_other_backends_are_respected_and_not_forwarded_to()
    {
        var peers = Read(
            Lease("10.24.2.0/24", """{"PublicIP":"192.168.1.2","BackendType":"ali-vpc","BackendData":{"InstanceId":"i-2"}}"""),
            Lease("10.24.3.0/24", """{"PublicIP":"192.168.1.3"}"""));
        Assert.Empty(peers.Peers);
        Assert.Equal(2, peers.OtherBackends);
        Assert.Equal(["10.24.2.0/24", "10.24.3.0/24"], peers.Taken.Select(subnet => subnet.ToString()));
    }

    [Fact]
    public void This_node_is_not_its_own_peer()
    {
        var peers = Read(
            Vxlan("10.24.1.0/24", "192.168.1.1", "0e:00:00:00:00:01"), Vxlan("10.24.9.0/24", "192.168.1.1", "0e:00:00:00:00:07"));
        Assert.Empty(peers.Peers);
        Assert.Empty(peers.Rejected);
    }

    [Theory]
    [InlineData("10.24.2.0/24", """{"VNI":1}""", "VtepMAC is missing")]
    [InlineData("10.24.2.0/24", """{"VNI":1,"VtepMAC":"ff:ff:ff:ff:ff:ff"}""", "VtepMAC is not the address of an interface")]
    [InlineData("10.24.2.0/24", """{"VNI":1,"VtepMAC":"0e:00:00:00:00:02:03:04"}""", "VtepMAC is not the address of an interface")]
    [InlineData("10.24.2.0/24", """{"VNI":"1","VtepMAC":"0e:00:00:00:00:02"}""", "VNI is not a number")]
    [InlineData("10.24.2.0/24", "[]", "BackendData is not an object")]
    [InlineData("10.24.2.0/24", "\"\"", "BackendData is not an object")]
    [InlineData(
        "10.99.2.0/24", """{"VtepMAC":"0e:00:00:00:00:02"}""", "it is not inside 10.24.0.0/16, the network that this node started with")]
    [InlineData("10.24.0.0/20", """{"VtepMAC":"0e:00:00:00:00:02"}""", "it overlaps 10.24.1.0/24, the subnet of this node")]
    [InlineData("10.24.2.0/24", """{"VtepMAC":"0E-00-00-00-00-01"}""", "its VtepMAC 0e:00:00:00:00:01 is that of this node")]
    public void A_lease_that_cannot_be_used_is_reported_with_its_node(string subnet, string data, string reason)
    {
        var peers = Read(Lease(subnet, $$"""{"PublicIP":"192.168.1.2","BackendType":"vxlan","BackendData":{{data}}}"""));
        Assert.Empty(peers.Peers);
        Assert.Equal([$"lease {subnet} of 192.168.1.2: {reason}"], peers.Rejected);
        Assert.Single(peers.Taken);
    }

    [Fact]
    public void A_node_with_IPv6_only_is_reported() =>
        Assert.Equal(
            ["lease 10.24.2.0/24 of 0.0.0.0: it has no IPv4 address"],
            Read(Vxlan("10.24.2.0/24", "0.0.0.0", "0e:00:00:00:00:02")).Rejected);

    [Fact]
    public void A_lease_without_data_is_reported() =>
        Assert.EndsWith(
            ": BackendData is missing",
            Assert.Single(Read(Lease("10.24.2.0/24", """{"PublicIP":"192.168.1.2","BackendType":"vxlan"}""")).Rejected),
            StringComparison.Ordinal);

    [Fact]
    public void The_lease_that_was_written_last_comes_last()
    {
        var older = Vxlan("10.24.3.0/24", "192.168.1.3", "0e:00:00:00:00:03") with { Version = 4 };
        var newer = Vxlan("10.24.2.0/24", "192.168.1.2", "0e:00:00:00:00:03") with { Version = 5 };
        Assert.Equal(["10.24.3.0/24", "10.24.2.0/24"], Read(newer, older).Peers.Select(peer => peer.Subnet.ToString()));
    }

    private static LeasedPeers Read(params Lease[] leases) => LeasedPeers.Read(leases, s_network, s_self);

    private static Lease Vxlan(string subnet, string publicIp, string mac) =>
        Lease(subnet, $$$"""{"PublicIP":"{{{publicIp}}}","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"{{{mac}}}"}}""");

    private static Lease Lease(string subnet, string value) =>
        new(
            new SubnetKey(Ipv4Network.Parse(subnet)), LeaseAttributes.Parse(Encoding.UTF8.GetBytes(value)).Value,
            new TestLeaseIdentity(1, 1), 1);
}
