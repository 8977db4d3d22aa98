namespace Flannel.Testbed;

/// <summary>
/// A switch in a network namespace with two bridges, one for connected and one for isolated machines. An isolated machine keeps its link
/// up, as with a failure inside a network: packets from and to it are dropped silently.
/// </summary>
public sealed class NetworkSwitch : IAsyncDisposable
{
    private const string Connected = "connected";
    private const string Isolated = "isolated";
    private const string Gateway = "192.168.0.1";

    private NetworkSwitch(NetworkNamespace ns) => Namespace = ns;

    /// <summary>The namespace for servers that connected machines reach through <see cref="Gateway"/>.</summary>
    public NetworkNamespace Namespace { get; }

    /// <param name="addresses">Additional addresses of the switch, for servers in <see cref="Namespace"/>.</param>
    public static async Task<NetworkSwitch> CreateAsync(string what, CancellationToken cancel, params string[] addresses)
    {
        var created = new NetworkSwitch(await NetworkNamespace.CreateAsync(what, cancel));
        await created.Namespace.IpAsync(cancel,
            [
                $"link add {Connected} type bridge", $"link add {Isolated} type bridge",
                $"link set {Connected} up", $"link set {Isolated} up",
                $"address add {Gateway}/16 dev {Connected}", .. addresses.Select(address => $"address add {address}/32 dev lo"),
            ]);
        return created;
    }

    /// <summary>Connects eth0 of the machine to the switch with a veth pair.</summary>
    /// <param name="port">The name of the switch's end, at most 15 characters.</param>
    /// <param name="address">An address of 192.168.0.0/16.</param>
    public async Task ConnectAsync(NetworkNamespace machine, string port, string mac, string address, CancellationToken cancel)
    {
        await Namespace.IpAsync(
            cancel, $"link add {port} type veth peer name eth0 address {mac} netns {machine.Name}",
            $"link set {port} master {Connected} up");
        await machine.IpAsync(
            cancel, $"address add {address}/16 dev eth0", "link set eth0 up", $"route add default via {Gateway}");
    }

    /// <summary>Isolates ports. Isolated ports reach only each other.</summary>
    public Task IsolateAsync(CancellationToken cancel, params string[] ports) => MoveAsync(ports, Isolated, cancel);

    public Task ReconnectAsync(CancellationToken cancel, params string[] ports) => MoveAsync(ports, Connected, cancel);

    public ValueTask DisposeAsync() => Namespace.DisposeAsync();

    private Task<string> MoveAsync(string[] ports, string segment, CancellationToken cancel) =>
        Namespace.IpAsync(cancel, [.. ports.Select(port => $"link set {port} master {segment}")]);
}
