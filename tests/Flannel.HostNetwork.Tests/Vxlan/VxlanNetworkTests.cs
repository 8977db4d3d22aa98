using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Vxlan;

/// <summary>The executor with the real <c>ip</c> and <c>bridge</c>, in a network namespace.</summary>
public sealed class VxlanNetworkTests : IAsyncLifetime
{
    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");
    private static readonly Ipv4Address s_own = Ipv4Address.Parse("10.24.1.0");
    private static readonly VxlanDevice s_device = new(
        1, "eth0", Ipv4Address.Parse("192.168.1.11"), 8472, 1450, MacAddress.Parse("0e:00:00:00:01:01"));

    private readonly RunFolder folder = new("vxlan");
    private NetworkNamespace? created;
    private VxlanNetwork? network;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private NetworkNamespace Namespace => created!;

    private VxlanNetwork Network => network!;

    public async ValueTask InitializeAsync()
    {
        if (await NetworkNamespace.UnavailableAsync(Cancel) is { } reason) Assert.Skip(reason);
        created = await NetworkNamespace.CreateAsync("vxlan", Cancel);
        await Namespace.IpAsync(
            Cancel, "link add eth0 type veth peer name peer0", "link set eth0 up", "link set peer0 up",
            "address add 192.168.1.11/24 dev eth0");
        network = new VxlanNetwork(new NamespaceCommands(Namespace.Name), new KernelSettings(folder.Path));
    }

    public async ValueTask DisposeAsync()
    {
        if (created is not null) await created.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_device_is_created_kept_and_created_again_with_the_same_MAC_address()
    {
        Assert.Null((await Network.ReadMacAsync("flannel.1", Cancel)).Value.Mac);
        Assert.True((await EnsureAsync(s_device, address: null)).IsCreated);
        Assert.Equal(s_device.Mac, (await Network.ReadMacAsync("flannel.1", Cancel)).Value.Mac);
        Assert.Equal(2, (await EnsureAsync(s_device, s_own)).Ip.Count);
        Assert.Empty((await EnsureAsync(s_device, s_own)).Ip);

        var changed = s_device with { Port = 4789, Gbp = true, Learning = true, Mtu = 1400 };
        var plan = await EnsureAsync(changed, s_own);
        Assert.Equal((true, "port 8472, now 4789"), (plan.IsCreated, plan.Reason));
        Assert.Empty((await EnsureAsync(changed, s_own)).Ip);
        Assert.Equal(s_device.Mac, (await Network.ReadMacAsync("flannel.1", Cancel)).Value.Mac);
    }

    [Fact]
    public async Task The_reverse_path_filter_of_the_device_is_loose()
    {
        var folderOfDevice = Directory.CreateDirectory(Path.Combine(folder.Path, "net/ipv4/conf/flannel.1")).FullName;
        var file = Path.Combine(folderOfDevice, "rp_filter");
        await File.WriteAllTextAsync(file, "1\n", Cancel);
        await EnsureAsync(s_device, s_own);
        Assert.Equal("2\n", await File.ReadAllTextAsync(file, Cancel));
    }

    [Fact]
    public async Task What_another_program_changes_of_the_device_is_restored()
    {
        await EnsureAsync(s_device, s_own);
        await Namespace.IpAsync(
            Cancel, "link set flannel.1 mtu 1300", "link set flannel.1 address 02:00:00:00:00:09", "address flush dev flannel.1",
            "address add 10.24.7.0/32 dev flannel.1", "link set flannel.1 down");
        Assert.False((await EnsureAsync(s_device, s_own)).IsCreated);
        Assert.Empty((await EnsureAsync(s_device, s_own)).Ip);
    }

    [Fact]
    public async Task A_device_of_another_kind_with_the_name_is_not_touched()
    {
        await Namespace.IpAsync(Cancel, "link add flannel.1 type bridge");
        var result = await Network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel);
        Assert.Equal("device flannel.1 has the type bridge, and not vxlan: rename or delete it, or use another VNI", result.Error);
        Assert.Null((await Network.ReadMacAsync("flannel.1", Cancel)).Value.Mac);
    }

    [Fact]
    public async Task A_device_of_another_program_with_the_VNI_is_one_line()
    {
        await Namespace.IpAsync(Cancel, "link add vxlan9 type vxlan id 1 dev eth0 local 192.168.1.11 dstport 8472");
        var result = await Network.EnsureDeviceAsync(s_device, s_own, s_network, Cancel);
        Assert.StartsWith("ip failed with exit code 1: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("A VXLAN device with the specified VNI already exists", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_peers_are_applied_and_removed_each_by_one_plan()
    {
        await EnsureAsync(s_device, s_own);
        VxlanPeer[] peers = [.. Enumerable.Range(2, 1000).Select(Peer)];
        await ApplyAsync(peers);
        Assert.True((await PlanAsync(peers)).IsEmpty);
        Assert.Equal(peers.ToHashSet(), (await ObserveAsync()).ReadPeers("flannel.1", s_network).ToHashSet());

        await ApplyAsync(peers[..500]);
        Assert.True((await PlanAsync(peers[..500])).IsEmpty);
        Assert.Equal(500, (await ObserveAsync()).Fdb.Count);

        await ApplyAsync([]);
        var left = await ObserveAsync();
        Assert.Equal((0, 0, 0), (left.Neighbors.Count, left.Fdb.Count, left.Routes.Count));
    }

    [Fact]
    public async Task Lost_and_changed_entries_are_restored_and_those_of_other_programs_stay()
    {
        await EnsureAsync(s_device, s_own);
        VxlanPeer[] peers = [Peer(2), Peer(3), Peer(4), Peer(5)];
        await ApplyAsync(peers);
        await Namespace.IpAsync(
            Cancel,
            "neighbor delete 10.24.2.0 dev flannel.1",
            "route delete 10.24.3.0/24",
            "route replace 10.24.5.0/24 via 192.168.1.99 dev eth0",
            "neighbor replace 10.24.4.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
            // Of other programs.
            "neighbor add 10.99.0.1 lladdr 02:00:00:00:00:78 dev flannel.1 nud permanent",
            "route add 10.24.77.0/24 via 192.168.1.99 dev eth0",
            "route add 10.24.78.5/32 via 10.24.78.0 dev flannel.1 onlink",
            "route add 10.24.2.0/24 via 192.168.1.99 dev eth0 metric 50");
        await BridgeAsync("fdb", "del", $"{Peer(2).Mac}", "dev", "flannel.1", "dst", "192.168.100.2", "self");
        await BridgeAsync("fdb", "append", $"{Peer(3).Mac}", "dev", "flannel.1", "dst", "203.0.113.3", "self", "permanent");
        await BridgeAsync("fdb", "add", "02:00:00:00:00:78", "dev", "flannel.1", "dst", "203.0.113.4", "self", "permanent");
        var unmanaged = await UnmanagedAsync();

        await ApplyAsync(peers);

        Assert.True((await PlanAsync(peers)).IsEmpty);
        Assert.Equal(peers.ToHashSet(), (await ObserveAsync()).ReadPeers("flannel.1", s_network).ToHashSet());
        Assert.Equal(unmanaged, await UnmanagedAsync());
        Assert.Equal(4, unmanaged.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains((await ObserveAsync()).Fdb, entry => entry.Mac == MacAddress.Parse("02:00:00:00:00:78"));
    }

    [Fact]
    public async Task A_line_that_fails_does_not_stop_the_others_and_is_reported()
    {
        await EnsureAsync(s_device, s_own);
        var plan = new VxlanPlan(
            ["fdb delete 02:00:00:00:00:78 dev flannel.1 dst 203.0.113.4 self"],
            [
                "route delete 10.24.2.0/24 via 10.24.2.0 dev flannel.1",
                "neighbor replace 10.24.4.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent",
            ]);
        var result = await Network.ApplyAsync(plan, Cancel);
        Assert.StartsWith("bridge failed with exit code 1: ", result.Error, StringComparison.Ordinal);
        Assert.Single((await ObserveAsync()).Neighbors);
    }

    [Fact]
    public async Task The_networks_of_the_interface_are_read() =>
        Assert.Equal([IpNetwork.Parse("192.168.1.0/24")], (await Network.ReadDirectNetworksAsync("eth0", Cancel)).Value);

    private static VxlanPeer Peer(int number)
    {
        var offset = (uint)(number < 64 ? number << 8 : 0x4000 + (number << 4));
        return new VxlanPeer(
            new Ipv4Network(new Ipv4Address(s_network.Address.Value + offset), number < 64 ? 24 : 28),
            new Ipv4Address(Ipv4Address.Parse("192.168.100.0").Value + (uint)number), new MacAddress(0x0e0000000000UL | (uint)number));
    }

    private async Task<VxlanDevicePlan> EnsureAsync(VxlanDevice device, Ipv4Address? address)
    {
        var result = await Network.EnsureDeviceAsync(device, address, s_network, Cancel);
        Assert.True(result.Ok, result.Error);
        return result.Value;
    }

    private async Task<ObservedEntries> ObserveAsync()
    {
        var result = await Network.ReadEntriesAsync("flannel.1", s_network, Cancel);
        Assert.True(result.Ok, result.Error);
        return result.Value;
    }

    private async Task<VxlanPlan> PlanAsync(IReadOnlyList<VxlanPeer> peers) =>
        VxlanPlan.Create(VxlanEntries.For(peers, s_device, []), await ObserveAsync(), "flannel.1", s_network);

    /// <summary>At most two passes: a second destination of one MAC address is removed by the pass after its replacement.</summary>
    private async Task ApplyAsync(IReadOnlyList<VxlanPeer> peers)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            var result = await Network.ApplyAsync(await PlanAsync(peers), Cancel);
            Assert.True(result.Ok, result.Error);
        }
    }

    private async Task BridgeAsync(params string[] arguments)
    {
        var result = await Namespace.ExecAsync("bridge", arguments, Cancel);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Error}");
    }

    private async Task<string> UnmanagedAsync() => await Namespace.IpAsync(
        Cancel, "route show 10.24.77.0/24", "route show 10.24.78.5/32", "route show 10.24.2.0/24 metric 50", "neighbor show to 10.99.0.1");
}
