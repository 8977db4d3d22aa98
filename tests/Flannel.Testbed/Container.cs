using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Flannel.Testbed;

/// <summary>The result of a ping. <see cref="Milliseconds"/> is the mean round-trip time; null without a reply.</summary>
public sealed record PingResult(int Sent, int Received, double? Milliseconds);

/// <summary>
/// A container on an instance, connected as Docker connects one with the values of subnet.env: a bridge with the first address of the
/// node's subnet, a network namespace with the next address, FLANNEL_MTU on both.
/// </summary>
public sealed partial class Container : IAsyncDisposable
{
    private const string Bridge = "docker0";

    private readonly NetworkNamespace ns;

    private Container(NetworkNamespace ns, string address) => (this.ns, Address) = (ns, address);

    public string Address { get; }

    public NetworkNamespace Namespace => ns;

    /// <summary>Starts a container on an instance that has a subnet.env.</summary>
    public static async Task<Container> StartAsync(EcsInstance instance, CancellationToken cancel)
    {
        var host = instance.Namespace ?? throw new TestbedException("containers need network namespaces");
        var environment = await instance.ReadSubnetFileAsync(cancel)
            ?? throw new TestbedException($"no {instance.SubnetFile}");
        var (bridge, mtu) = (environment["FLANNEL_SUBNET"], environment["FLANNEL_MTU"]);
        var slash = bridge.IndexOf('/', StringComparison.Ordinal);
        var gateway = bridge[..slash];
        var address = Next(gateway);

        var ns = await NetworkNamespace.CreateAsync($"container{instance.Facts.Number}", cancel);
        await host.IpAsync(cancel,
            $"link add {Bridge} mtu {mtu} type bridge", $"address add {bridge} dev {Bridge}", $"link set {Bridge} up",
            $"link add c1 mtu {mtu} type veth peer name eth0 mtu {mtu} netns {ns.Name}", $"link set c1 master {Bridge} up");
        await ns.IpAsync(
            cancel, $"address add {address}{bridge[slash..]} dev eth0", "link set eth0 up",
            $"route add default via {gateway}");
        return new Container(ns, address);
    }

    /// <summary>Pings an address from the container.</summary>
    public async Task<PingResult> PingAsync(string address, CancellationToken cancel, int count = 1)
    {
        string[] arguments = ["-n", "-c", count.ToString(CultureInfo.InvariantCulture), "-i", "0.1", "-W", "1", address];
        var result = await ns.ExecAsync("ping", arguments, cancel);
        var counts = Counts().Match(result.Output);
        if (!counts.Success)
        {
            throw new TestbedException($"ping {address}: {result.Output}{result.Error}");
        }
        var times = Times().Match(result.Output);
        double? mean = times.Success ? double.Parse(times.Groups[1].Value, CultureInfo.InvariantCulture) : null;
        return new PingResult(Number(counts.Groups[1]), Number(counts.Groups[2]), mean);
    }

    /// <summary>Waits until the address replies to a ping.</summary>
    public Task WaitForPingAsync(string address, CancellationToken cancel, TimeSpan? limit = null) => Eventually.IsAsync(
        $"{Address} reaches {address}", async () => (await PingAsync(address, cancel)).Received == 1, cancel, limit);

    public ValueTask DisposeAsync() => ns.DisposeAsync();

    private static string Next(string address)
    {
        var bytes = IPAddress.Parse(address).GetAddressBytes();
        bytes[3]++;
        return new IPAddress(bytes).ToString();
    }

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("([0-9]+) packets transmitted, ([0-9]+) received")]
    private static partial Regex Counts();

    [GeneratedRegex("rtt min/avg/max/mdev = [0-9.]+/([0-9.]+)/")]
    private static partial Regex Times();
}
