using System.Net;
using Flannel.Testbed;

namespace Flannel.HostNetwork.Tests.Firewall;

/// <summary>A host between a container and its peers, each in a network namespace. The peer namespace has the addresses of a container of
/// another node, of a host of the VPC, and of the Internet.</summary>
internal sealed class RoutedHost : IAsyncDisposable
{
    public const string Container = "10.24.5.2";
    public const string OtherContainer = "10.24.9.2";
    public const string Address = "192.168.1.11";
    public const string VpcHost = "192.168.1.12";
    public const string Internet = "203.0.113.9";
    public const string ContainerIpv6 = "fd00:24:5::2";
    public const string OtherContainerIpv6 = "fd00:24:9::2";
    public const string AddressIpv6 = "fd00:1::11";
    public const string InternetIpv6 = "2001:db8::9";

    private readonly NetworkNamespace container;
    private readonly NetworkNamespace peer;

    private RoutedHost(NetworkNamespace host, NetworkNamespace container, NetworkNamespace peer) =>
        (Namespace, this.container, this.peer) = (host, container, peer);

    public NetworkNamespace Namespace { get; }

    public static async Task<RoutedHost> StartAsync(CancellationToken cancel)
    {
        var host = await NetworkNamespace.CreateAsync("host", cancel);
        var container = await NetworkNamespace.CreateAsync("container", cancel);
        var peer = await NetworkNamespace.CreateAsync("peer", cancel);
        await host.IpAsync(
            cancel, $"link add docker0 type veth peer name eth0 netns {container.Name}",
            $"link add eth0 type veth peer name eth0 netns {peer.Name}", "address add 10.24.5.1/24 dev docker0",
            $"address add {Address}/24 dev eth0", "link set docker0 up", "link set eth0 up");
        await container.IpAsync(
            cancel, $"address add {Container}/24 dev eth0", "link set eth0 up", "route add default via 10.24.5.1");
        await peer.IpAsync(
            cancel, $"address add {VpcHost}/24 dev eth0", "link set eth0 up", $"address add {OtherContainer}/32 dev lo",
            $"address add {Internet}/32 dev lo", $"route add 10.24.5.0/24 via {Address}");
        await host.IpAsync(cancel, $"route add default via {VpcHost}");
        await host.SetAsync(new NamedValue("ipv4/ip_forward", "1"));
        await AddIpv6Async(host, container, peer, cancel);
        return new RoutedHost(host, container, peer);
    }

    /// <summary>The same addresses and routes for IPv6.</summary>
    private static async Task AddIpv6Async(
        NetworkNamespace host, NetworkNamespace container, NetworkNamespace peer, CancellationToken cancel)
    {
        await host.IpAsync(
            cancel, "address add fd00:24:5::1/64 dev docker0 nodad", $"address add {AddressIpv6}/64 dev eth0 nodad",
            "route add default via fd00:1::12");
        await container.IpAsync(cancel, $"address add {ContainerIpv6}/64 dev eth0 nodad", "route add default via fd00:24:5::1");
        await peer.IpAsync(
            cancel, "address add fd00:1::12/64 dev eth0 nodad", $"address add {OtherContainerIpv6}/128 dev lo nodad",
            $"address add {InternetIpv6}/128 dev lo nodad", $"route add fd00:24:5::/64 via {AddressIpv6}");
        await host.SetAsync(new NamedValue("ipv6/conf/all/forwarding", "1"));
    }

    /// <summary>Connects from the container by TCP.</summary>
    /// <returns>The source address that the destination sees; null if there is no connection.</returns>
    public Task<string?> SourceSeenAtAsync(string destination, CancellationToken cancel, int port = 8080) =>
        TcpProbe.SourceAddressAsync(container, peer, new IPEndPoint(IPAddress.Parse(destination), port), cancel);

    /// <summary>Connects to the container by TCP.</summary>
    public Task<string?> SourceSeenByContainerAsync(string source, CancellationToken cancel) =>
        TcpProbe.SourceAddressAsync(peer, container, new IPEndPoint(IPAddress.Parse(Container), 8080), cancel, source);

    public async ValueTask DisposeAsync()
    {
        await container.DisposeAsync();
        await peer.DisposeAsync();
        await Namespace.DisposeAsync();
    }
}
