using System.Text;
using Flannel.AliCloud.Metadata;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flanneld.Backends;

namespace Flanneld.Tests.Backends;

public sealed class BackendFactoryTests
{
    private static readonly Ipv4Address PublicIp = Ipv4Address.Parse("192.168.1.11");
    private static readonly InstanceIdentity Self = new(
        "cn-hangzhou", "cn-hangzhou-h", "i-1", "vpc-1", "vsw-1", "00:16:3e:00:00:01", "eni-1", true, [PublicIp]);

    private static NetworkConfig Config(string backend) =>
        NetworkConfigParser.Parse(Encoding.UTF8.GetBytes($"{{\"Network\":\"10.24.0.0/16\"{backend}}}")).Value;

    [Theory]
    [InlineData(
        "", "Backend is missing: add \"Backend\":{\"Type\":\"ali-vpc\"} (upstream's default is udp, which this build does not support)")]
    [InlineData(",\"Backend\":{\"Type\":\"udp\"}", "Backend.Type is 'udp': this build supports ali-vpc, alloc, vxlan")]
    [InlineData(",\"Backend\":{\"Type\":\"\\u001b[2J\"}", "Backend.Type is '?[2j': this build supports ali-vpc, alloc, vxlan")]
    [InlineData(",\"Backend\":{}", "Backend.Type is missing: this build supports ali-vpc, alloc, vxlan")]
    [InlineData(",\"Backend\":null", "Backend.Type is missing: this build supports ali-vpc, alloc, vxlan")]
    [InlineData(",\"Backend\":{\"Type\":\"host-gw\"}", "Backend.Type is 'host-gw': this build supports ali-vpc, alloc, vxlan")]
    [InlineData(",\"Backend\":{\"Type\":\"vxlan\",\"VNI\":\"1\"}", "Backend.VNI must be a whole number from 0 to 9999999, without quotes")]
    [InlineData(",\"Backend\":{\"Type\":\"ali-vpc\",\"RouteTableID\":7}", "RouteTableID")]
    public void An_unsupported_configuration_is_rejected_in_one_line(string backend, string reason)
    {
        Assert.Contains(reason, BackendFactory.Create(Config(backend)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backend_type_matches_in_any_case()
    {
        var config = Config(",\"Backend\":{\"Type\":\"ALI-VPC\"}");
        var node = new BackendNode(PublicIp, null) { Identity = Self };
        Assert.Equal("ali-vpc", BackendFactory.Create(config).Value.CreateAttributes(node)!.BackendType);
    }

    [Theory]
    [InlineData("\"RouteTableIDs\":\"vtb-1\"", "unknown property RouteTableIDs inside Backend is ignored: did you mean RouteTableID?")]
    [InlineData(
        "\"AccesKeySecret\":\"hunter2\"", "unknown property AccesKeySecret inside Backend is ignored: did you mean AccessKeySecret?")]
    [InlineData("\"Fallbacks\":\"vxlan\"", "unknown property Fallbacks inside Backend is ignored: did you mean Fallback?")]
    [InlineData("\"Fallback\":\"vxlan\",\"Ports\":1", "unknown property Ports inside Backend is ignored: did you mean Port?")]
    [InlineData("\"SubnetLen\":26", "SubnetLen inside Backend has no effect: it belongs beside Network")]
    public void A_property_of_the_backend_that_is_probably_misspelt_is_reported(string property, string warning) =>
        Assert.Equal(
            warning,
            Assert.Single(
                BackendFactory.Warnings(Config($",\"Backend\":{{\"Type\":\"ali-vpc\",\"regionid\":\"cn-hangzhou\",{property}}}"))));

    [Fact]
    public void A_lease_of_ali_vpc_names_the_next_hop_of_its_route()
    {
        var config = Config(",\"Backend\":{\"Type\":\"ali-vpc\",\"AccessKeyID\":\"LTAIid\",\"AccessKeySecret\":\"hunter2\"}");
        var backend = BackendFactory.Create(config).Value;
        Assert.Null(backend.CreateAttributes(new BackendNode(PublicIp, null)));
        Assert.Equal(
            """{"PublicIP":"192.168.1.11","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{"RegionId":"cn-hangzhou","VpcId":"vpc-1","VSwitchId":"vsw-1","InstanceId":"i-1","NetworkInterfaceId":"eni-1","PrimaryInterface":true}}""",
            Encoding.UTF8.GetString(backend.CreateAttributes(new BackendNode(PublicIp, null) { Identity = Self })!.ToJson()));
    }

    [Fact]
    public void A_lease_of_ali_vpc_with_a_fallback_names_the_device_too_and_the_MTU_is_that_of_the_tunnel()
    {
        var backend = BackendFactory.Create(Config(",\"Backend\":{\"Type\":\"ali-vpc\",\"Fallback\":\"vxlan\"}")).Value;
        var node = new BackendNode(PublicIp, null) { Identity = Self };
        Assert.Null(backend.CreateAttributes(node));
        var attributes = backend.CreateAttributes(node with { VtepMac = MacAddress.Parse("0e:aa:bb:cc:dd:02") })!;
        Assert.Equal("ali-vpc", attributes.BackendType);
        Assert.Equal(
            """{"RegionId":"cn-hangzhou","VpcId":"vpc-1","VSwitchId":"vsw-1","InstanceId":"i-1","NetworkInterfaceId":"eni-1","PrimaryInterface":true,"VNI":1,"VtepMAC":"0e:aa:bb:cc:dd:02"}""",
            attributes.BackendData);
        Assert.True(backend.RequiresRoute);
        Assert.Equal(1450, backend.MtuFor(1500));
    }

    [Fact]
    public void A_lease_of_alloc_has_no_backend_data() =>
        Assert.Equal(
            """{"PublicIP":"192.168.1.11","PublicIPv6":null,"BackendType":"alloc"}""",
            Encoding.UTF8.GetString(
                BackendFactory.Create(Config(",\"Backend\":{\"Type\":\"alloc\"}")).Value
                    .CreateAttributes(new BackendNode(PublicIp, null))!.ToJson()));

    [Fact]
    public void A_lease_of_vxlan_names_the_MAC_address_of_the_device()
    {
        var backend = BackendFactory.Create(Config(",\"Backend\":{\"Type\":\"VXLAN\",\"VNI\":7}")).Value;
        Assert.Null(backend.CreateAttributes(new BackendNode(PublicIp, null)));
        var node = new BackendNode(PublicIp, null) { VtepMac = MacAddress.Parse("0e:aa:bb:cc:dd:02") };
        Assert.Equal(
            """{"PublicIP":"192.168.1.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"0e:aa:bb:cc:dd:02"}}""",
            Encoding.UTF8.GetString(backend.CreateAttributes(node)!.ToJson()));
        Assert.False(backend.RequiresRoute);
        Assert.Equal(1450, backend.MtuFor(1500));
    }
}
