using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

public sealed class VxlanDevicePlanTests
{
    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");
    private static readonly Ipv4Address s_own = Ipv4Address.Parse("10.24.1.0");
    private static readonly VxlanDevice s_device = new(
        1, "vxa0", Ipv4Address.Parse("10.1.0.2"), 8472, 1450, MacAddress.Parse("4e:da:78:e9:03:bb"));

    private static readonly ObservedDevice s_observed = IprouteJson.ParseDevice(IprouteSamples.Device).Value;

    [Fact]
    public void A_device_is_created_with_all_parameters()
    {
        var plan = VxlanDevicePlan.Create(s_device, null, s_own, s_network).Value;
        Assert.Equal(
            [
                "link add flannel.1 address 4e:da:78:e9:03:bb mtu 1450 type vxlan id 1 dev vxa0 local 10.1.0.2 dstport 8472 nolearning",
                "address add 10.24.1.0/32 dev flannel.1",
                "link set dev flannel.1 up",
            ],
            plan.Ip);
        Assert.Equal((true, ""), (plan.IsCreated, plan.Reason));
        Assert.EndsWith(
            " dstport 8472 learning gbp",
            VxlanDevicePlan.Create(s_device with { Gbp = true, Learning = true }, null, null, s_network).Value.Ip[0],
            StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_done_for_a_device_that_is_correct()
    {
        var plan = VxlanDevicePlan.Create(s_device, s_observed, s_own, s_network).Value;
        Assert.Empty(plan.Ip);
        Assert.False(plan.IsCreated);
    }

    [Fact]
    public void A_device_without_a_subnet_gets_no_address_and_is_not_set_up() =>
        Assert.Single(VxlanDevicePlan.Create(s_device, null, null, s_network).Value.Ip);

    [Theory]
    [InlineData("VNI 1, now 2", 2, "vxa0", "10.1.0.2", 8472, false, false)]
    [InlineData("interface vxa0, now eth1", 1, "eth1", "10.1.0.2", 8472, false, false)]
    [InlineData("local address 10.1.0.2, now 10.1.0.9", 1, "vxa0", "10.1.0.9", 8472, false, false)]
    [InlineData("port 8472, now 4789", 1, "vxa0", "10.1.0.2", 4789, false, false)]
    [InlineData("GBP false, now true", 1, "vxa0", "10.1.0.2", 8472, true, false)]
    [InlineData("Learning false, now true", 1, "vxa0", "10.1.0.2", 8472, false, true)]
    public void A_device_with_other_parameters_is_created_again(
        string reason, int vni, string parent, string local, int port, bool gbp, bool learning)
    {
        var desired = new VxlanDevice(vni, parent, Ipv4Address.Parse(local), port, 1450, s_device.Mac) { Gbp = gbp, Learning = learning };
        var plan = VxlanDevicePlan.Create(desired, s_observed, s_own, s_network).Value;
        Assert.Equal((true, reason), (plan.IsCreated, plan.Reason));
        Assert.StartsWith("link delete flannel.", plan.Ip[0], StringComparison.Ordinal);
        Assert.StartsWith("link add flannel.", plan.Ip[1], StringComparison.Ordinal);
        Assert.Equal(4, plan.Ip.Count);
    }

    [Fact]
    public void MTU_MAC_address_and_state_are_changed_in_place()
    {
        var changed = s_observed with { Mtu = 1400, Mac = MacAddress.Parse("02:00:00:00:00:01"), IsUp = false };
        var plan = VxlanDevicePlan.Create(s_device, changed, s_own, s_network).Value;
        Assert.Equal(
            [
                "link set dev flannel.1 mtu 1450", "link set dev flannel.1 address 4e:da:78:e9:03:bb", "link set dev flannel.1 up",
            ],
            plan.Ip);
        Assert.False(plan.IsCreated);
    }

    [Fact]
    public void Another_address_inside_the_network_is_removed_and_one_outside_is_not()
    {
        var changed = s_observed with
        {
            Addresses = [new(Ipv4Address.Parse("10.24.7.0"), 32), new(s_own, 24), new(Ipv4Address.Parse("10.99.0.1"), 24)],
        };
        Assert.Equal(
            [
                "address delete 10.24.7.0/32 dev flannel.1", "address delete 10.24.1.0/24 dev flannel.1",
                "address add 10.24.1.0/32 dev flannel.1",
            ],
            VxlanDevicePlan.Create(s_device, changed, s_own, s_network).Value.Ip);
    }

    [Theory]
    [InlineData("bridge", "has the type bridge, and not vxlan")]
    [InlineData("", "is not virtual, and not vxlan")]
    public void A_device_of_another_program_with_the_name_is_not_touched(string kind, string text)
    {
        var result = VxlanDevicePlan.Create(s_device, s_observed with { Kind = kind }, s_own, s_network);
        Assert.Equal($"device flannel.1 {text}: rename or delete it, or use another VNI", result.Error);
    }
}
