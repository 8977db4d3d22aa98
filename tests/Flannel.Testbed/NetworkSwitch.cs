namespace Flannel.Testbed;

/// <summary>
/// A switch in a namespace of its own with two segments, the mainland and an island. A machine whose cable is moved to the island goes on
/// with its link up, as with a failure in the middle of a network: its packets, and those for it, are lost without a word.
/// </summary>
public sealed class NetworkSwitch : IAsyncDisposable
{
    private const string Mainland = "mainland";
    private const string Island = "island";
    private const string Gateway = "192.168.0.1";

    private NetworkSwitch(NetworkNamespace ns) => Namespace = ns;

    /// <summary>Where what is reached through <see cref="Gateway"/> may listen; it is on the mainland.</summary>
    public NetworkNamespace Namespace { get; }

    /// <param name="addresses">Addresses of the switch itself beside the gateway's, for programs in <see cref="Namespace"/>.</param>
    public static async Task<NetworkSwitch> CreateAsync(string what, CancellationToken cancel, params string[] addresses)
    {
        var made = new NetworkSwitch(await NetworkNamespace.CreateAsync(what, cancel));
        await made.Namespace.IpAsync(cancel,
            [
                $"link add {Mainland} type bridge", $"link add {Island} type bridge", $"link set {Mainland} up", $"link set {Island} up",
                $"address add {Gateway}/16 dev {Mainland}", .. addresses.Select(address => $"address add {address}/32 dev lo"),
            ]);
        return made;
    }

    /// <summary>A cable from the switch to eth0 of the machine.</summary>
    /// <param name="port">The switch's end; a name of at most 15 letters.</param>
    /// <param name="address">Of 192.168.0.0/16.</param>
    public async Task ConnectAsync(NetworkNamespace machine, string port, string mac, string address, CancellationToken cancel)
    {
        await Namespace.IpAsync(cancel, $"link add {port} type veth peer name eth0 address {mac} netns {machine.Name}", $"link set {port} master {Mainland} up");
        await machine.IpAsync(cancel, $"address add {address}/16 dev eth0", "link set eth0 up", $"route add default via {Gateway}");
    }

    /// <summary>Moves cables to the island. Those there reach each other and nobody else.</summary>
    public Task CutOffAsync(CancellationToken cancel, params string[] ports) => MoveAsync(ports, Island, cancel);

    /// <summary>Moves cables back.</summary>
    public Task HealAsync(CancellationToken cancel, params string[] ports) => MoveAsync(ports, Mainland, cancel);

    public ValueTask DisposeAsync() => Namespace.DisposeAsync();

    private Task<string> MoveAsync(string[] ports, string segment, CancellationToken cancel) =>
        Namespace.IpAsync(cancel, [.. ports.Select(port => $"link set {port} master {segment}")]);
}
