using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Vxlan;

/// <summary>With the real <c>ip</c>, in a network namespace.</summary>
public sealed class VxlanCleanupTests : IAsyncLifetime
{
    private static readonly Ipv4Network s_subnet = Ipv4Network.Parse("10.24.1.0/24");

    private NetworkNamespace? created;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private NetworkNamespace Namespace => created!;

    public async ValueTask InitializeAsync()
    {
        if (await NetworkNamespace.UnavailableAsync(Cancel) is { } reason) Assert.Skip(reason);
        created = await NetworkNamespace.CreateAsync("cleanup", Cancel);
        await Namespace.IpAsync(
            Cancel, "link add eth0 type veth peer name peer0", "link set eth0 up", "link set peer0 up",
            "address add 192.168.1.11/24 dev eth0");
    }

    public async ValueTask DisposeAsync()
    {
        if (created is not null) await created.DisposeAsync();
    }

    [Fact]
    public async Task Own_routes_and_devices_of_both_families_are_removed_and_others_stay()
    {
        await AddDeviceAsync("flannel.1", 1, "route add 10.24.2.0/24 via 10.24.2.0 dev flannel.1 onlink proto 142");
        await AddDeviceAsync("flannel-v6.1", 1, "address add fd00:24:1::/128 dev flannel-v6.1", "local fd00:1::11");
        await AddDeviceAsync("flannel.3", 3, "route add fd00:24:2::/64 dev flannel.3 proto 142");
        // Of upstream flannel, of this node without a peer, and of another program.
        await AddDeviceAsync("flannel.2", 2, "route add 10.25.2.0/24 via 10.25.2.0 dev flannel.2 onlink");
        await AddDeviceAsync("flannel.9", 9, "address add 10.24.1.0/32 dev flannel.9");
        await AddDeviceAsync("flannel.7", 70, "address add 10.24.1.0/32 dev flannel.7");
        await Namespace.IpAsync(
            Cancel, "route add 10.24.4.0/24 via 192.168.1.12 dev eth0 proto 142", "route add 10.99.0.0/24 via 192.168.1.12 dev eth0");

        Assert.Equal(
            ["vxlan: 2 routes", "vxlan: 1 route", "vxlan: device flannel-v6.1", "vxlan: device flannel.1", "vxlan: device flannel.3",
                "vxlan: device flannel.9"],
            await RemoveAsync(s_subnet));

        var devices = await Namespace.IpAsync(Cancel, "link show type vxlan");
        Assert.Equal(["flannel.2", "flannel.7"], VxlanNames(devices));
        var routes = await Namespace.IpAsync(Cancel, "route show");
        Assert.Contains("10.25.2.0/24 via 10.25.2.0 dev flannel.2", routes, StringComparison.Ordinal);
        Assert.Contains("10.99.0.0/24 via 192.168.1.12", routes, StringComparison.Ordinal);
        Assert.DoesNotContain("10.24.", routes, StringComparison.Ordinal);
        Assert.Empty(await RemoveAsync(s_subnet));
    }

    /// <summary>Another program may use the same protocol. flanneld's routes have one device each.</summary>
    [Fact]
    public async Task Routes_without_a_device_and_over_several_gateways_stay_and_the_rest_is_removed()
    {
        await AddDeviceAsync("flannel.1", 1, "route add 10.24.2.0/24 via 10.24.2.0 dev flannel.1 onlink proto 142");
        await Namespace.IpAsync(
            Cancel, "route add blackhole 10.98.0.0/24 proto 142",
            "route add 10.99.0.0/24 proto 142 nexthop via 192.168.1.12 nexthop via 192.168.1.13");
        Assert.Equal(["vxlan: 1 route", "vxlan: device flannel.1"], await RemoveAsync(s_subnet));
        var routes = await Namespace.IpAsync(Cancel, "route show");
        Assert.Contains("blackhole 10.98.0.0/24", routes, StringComparison.Ordinal);
        Assert.Contains("10.99.0.0/24", routes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_subnet_a_device_without_our_routes_stays()
    {
        await AddDeviceAsync("flannel.1", 1, "address add 10.24.1.0/32 dev flannel.1");
        Assert.Empty(await RemoveAsync(null));
        Assert.Equal(["flannel.1"], VxlanNames(await Namespace.IpAsync(Cancel, "link show type vxlan")));
    }

    [Fact]
    public async Task The_device_of_upstream_flannel_with_this_nodes_address_stays()
    {
        await AddDeviceAsync("flannel.1", 1, "address add 10.24.1.0/32 dev flannel.1");
        await Namespace.IpAsync(Cancel, "route add 10.24.2.0/24 via 10.24.2.0 dev flannel.1 onlink");
        Assert.Empty(await RemoveAsync(s_subnet));
        Assert.Equal(["flannel.1"], VxlanNames(await Namespace.IpAsync(Cancel, "link show type vxlan")));
    }

    private static IEnumerable<string> VxlanNames(string links) =>
        links.Split('\n').Where(line => line.Contains(": flannel", StringComparison.Ordinal))
            .Select(line => line.Split(": ")[1].Split('@')[0]).Order(StringComparer.Ordinal);

    private async Task AddDeviceAsync(string name, int vni, string more, string local = "") => await Namespace.IpAsync(
        Cancel, $"link add {name} type vxlan id {vni} dev eth0 dstport {8472 + vni} {local}", $"link set {name} up", more);

    private async Task<IReadOnlyList<string>> RemoveAsync(Ipv4Network? subnet) =>
        (await new VxlanCleanup(new NamespaceCommands(Namespace.Name), subnet).RemoveAsync(Cancel)).Value;
}
