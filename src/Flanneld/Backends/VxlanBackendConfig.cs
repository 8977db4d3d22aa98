using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Backends;

/// <summary>The settings of <c>vxlan</c> in the <c>Backend</c> object of the network configuration, with upstream's names and defaults
/// (<c>parseVXLANConfig</c>). Names match in any case, as in Go; unknown ones are ignored. Immutable.</summary>
internal sealed record VxlanBackendConfig
{
    private const int DefaultVni = 1;

    // Below, no IPv4 packet of 68 bytes, the smallest that every link must carry, fits into the tunnel.
    private const int SmallestMtu = 68 + VxlanDevice.Overhead;
    private const int LargestMtu = 65535;

    // MacPrefix is read by upstream on Windows only.
    internal static readonly string[] PropertyNames = ["Type", "VNI", "Port", "MTU", "GBP", "Learning", "DirectRouting", "MacPrefix"];

    public int Vni { get; private init; } = DefaultVni;

    /// <summary>The UDP port.</summary>
    public int Port { get; private init; } = VxlanDevice.DefaultPort;

    /// <summary>Of the interface between the hosts, in place of its own; null if it is not given.</summary>
    public int? Mtu { get; private init; }

    public bool Gbp { get; private init; }

    public bool Learning { get; private init; }

    /// <summary>Peers in the network of the interface are reached by a plain route, without the tunnel.</summary>
    public bool DirectRouting { get; private init; }

    /// <summary>The error names the property and its required form.</summary>
    /// <param name="backend">The whole <c>Backend</c> object.</param>
    public static Result<VxlanBackendConfig> Parse(JsonElement backend)
    {
        Result<VxlanBackendConfig> config = new VxlanBackendConfig();
        if (backend.ValueKind != JsonValueKind.Object) return config;
        foreach (var property in backend.EnumerateObject())
        {
            config = config.Value.With(property.Name, property.Value);
            if (!config.Ok) return config;
        }

        return config;
    }

    /// <summary>Ignored properties that are probably misspelt, one line each.</summary>
    public static IReadOnlyList<string> Warnings(JsonElement backend) =>
    [
        .. backend.EnumerateObject().Select(property => (property.Name, Nearest: Suggestion.ForAnyCase(property.Name, PropertyNames)))
            .Where(each => each.Nearest is not null)
            .Select(each => $"unknown property {each.Name} inside Backend is ignored: did you mean {each.Nearest}?"),
    ];

    /// <summary>The MTU of packets inside the tunnel, in bytes.</summary>
    /// <param name="isV6">Of the tunnel of IPv6.</param>
    public int MtuFor(int interfaceMtu, bool isV6 = false) =>
        (Mtu ?? interfaceMtu) - (isV6 ? VxlanDevice.Ipv6Overhead : VxlanDevice.Overhead);

    /// <summary>The device of this node for the family of its address.</summary>
    /// <param name="interface">The interface between the hosts, with its address and MTU.</param>
    public VxlanDevice CreateDevice(string @interface, IpAddress local, int interfaceMtu, MacAddress mac) =>
        new(Vni, @interface, local, Port, MtuFor(interfaceMtu, local.IsV6), mac) { Gbp = Gbp, Learning = Learning };

    public override string ToString() =>
        $"VNI {Vni}, port {Port}, GBP {Gbp}, Learning {Learning}, DirectRouting {DirectRouting}";

    private Result<VxlanBackendConfig> With(string name, JsonElement value) => name.ToUpperInvariant() switch
    {
        // Go's decoder leaves a field as it is.
        _ when value.ValueKind == JsonValueKind.Null => this,
        "VNI" => Number(value, 0, VxlanDevice.LargestVni, "Backend.VNI").Select(vni => this with { Vni = vni }),
        // 0 is upstream's default: the kernel's port.
        "PORT" => Number(value, 0, 65535, "Backend.Port")
            .Select(port => this with { Port = port == 0 ? VxlanDevice.DefaultPort : port }),
        "MTU" => Number(value, SmallestMtu, LargestMtu, "Backend.MTU").Select(mtu => this with { Mtu = mtu }),
        "GBP" => Boolean(value, "Backend.GBP", given => this with { Gbp = given }),
        "LEARNING" => Boolean(value, "Backend.Learning", given => this with { Learning = given }),
        "DIRECTROUTING" => Boolean(value, "Backend.DirectRouting", given => this with { DirectRouting = given }),
        _ => this,
    };

    private static Result<int> Number(JsonElement value, int min, int max, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max
            ? number
            : Result.Failure($"{name} must be a whole number from {min} to {max}, without quotes");

    private static Result<VxlanBackendConfig> Boolean(JsonElement value, string name, Func<bool, VxlanBackendConfig> set) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? set(value.ValueKind == JsonValueKind.True)
            : Result.Failure($"{name} must be true or false, without quotes");
}
