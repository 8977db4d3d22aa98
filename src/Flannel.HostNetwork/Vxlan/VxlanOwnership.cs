using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>A VXLAN device of this host.</summary>
/// <param name="Addresses">IPv4 and IPv6, without their lengths.</param>
internal sealed record RemainingDevice(string Name, int Vni, IReadOnlyList<string> Addresses);

/// <summary>A route of this host, IPv4 or IPv6, as <c>ip</c> prints it.</summary>
/// <param name="Gateway">Empty without one.</param>
internal sealed record RemainingRoute(string Destination, string Gateway, string Device, string Protocol)
{
    /// <summary>Only flanneld writes routes with its protocol.</summary>
    public bool IsOwn => Protocol == VxlanEntries.Protocol;

    /// <summary>For <c>ip -batch</c>.</summary>
    public string DeleteLine =>
        $"route delete {Destination}{(Gateway.Length > 0 ? $" via {Gateway}" : "")} dev {Device} proto {VxlanEntries.Protocol}";
}

/// <summary>Finds what flanneld left on a host with backend vxlan. Pure.</summary>
internal static class VxlanRemains
{
    private static readonly string[] prefixes = ["flannel.", "flannel-v6."];

    /// <summary>The devices that are flanneld's: with its routes, or with the address of this node and no other program's routes. Upstream
    /// flannel's devices have the same names, and routes without the protocol.</summary>
    /// <param name="ownSubnet">This node's subnet, whose first address is that of its device; null if it is not known.</param>
    public static List<string> FindOwn(
        IReadOnlyList<RemainingDevice> devices, IReadOnlyList<RemainingRoute> routes, Ipv4Network? ownSubnet)
    {
        var own = devices.Where(IsFlannels).Where(IsOwn).ToList();
        // The device for IPv6 has no IPv4 address. Its sibling has the same VNI.
        var siblings = devices.Where(device => IsFlannels(device) && !own.Contains(device)
            && own.Any(other => other.Vni == device.Vni) && !HasOthersRoutes(device));
        return [.. own.Concat(siblings).Select(device => device.Name).Order(StringComparer.Ordinal)];

        bool IsOwn(RemainingDevice device) => routes.Any(route => route.IsOwn && route.Device == device.Name)
            || (ownSubnet is { } subnet && device.Addresses.Contains(subnet.Address.ToString()) && !HasOthersRoutes(device));

        // The kernel's own routes come with an address.
        bool HasOthersRoutes(RemainingDevice device) =>
            routes.Any(route => route.Device == device.Name && !route.IsOwn && route.Protocol != "kernel");
    }

    /// <summary><c>ip -json -details address show type vxlan</c>.</summary>
    public static Result<List<RemainingDevice>> ParseDevices(string json) => Parse(json, element => new RemainingDevice(
        Text(element, "ifname"), Number(Member(Member(element, "linkinfo"), "info_data"), "id"),
        [.. Elements(Member(element, "addr_info")).Select(address => Text(address, "local"))]));

    /// <summary><c>ip -json route show table main</c>. A route over several gateways is none of flanneld's.</summary>
    public static Result<List<RemainingRoute>> ParseRoutes(string json) => Parse(json, element => new RemainingRoute(
        Text(element, "dst"), Text(element, "gateway"), Text(element, "dev"), Text(element, "protocol")));

    private static bool IsFlannels(RemainingDevice device) => prefixes.Any(prefix => device.Name == $"{prefix}{device.Vni}");

    private static Result<List<T>> Parse<T>(string json, Func<JsonElement, T> read)
    {
        // Some versions print nothing for an empty list.
        if (string.IsNullOrWhiteSpace(json)) return new List<T>();
        try
        {
            using var document = JsonDocument.Parse(json);
            // Some versions print an empty object for a device that the filter leaves out.
            return Elements(document.RootElement).Where(element => element.EnumerateObject().Any()).Select(read).ToList();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Result.Failure("it printed no valid JSON (flanneld needs iproute2 4.16 or later)");
        }
    }

    private static IEnumerable<JsonElement> Elements(JsonElement list) =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [];

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static string Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    private static int Number(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : 0;
}
