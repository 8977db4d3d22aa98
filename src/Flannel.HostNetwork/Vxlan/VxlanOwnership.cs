using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>A VXLAN device of this host.</summary>
/// <param name="Addresses">IPv4 and IPv6, without their lengths.</param>
internal sealed record ExistingDevice(string Name, int Vni, IReadOnlyList<string> Addresses);

/// <summary>A route of this host, IPv4 or IPv6, as <c>ip</c> prints it.</summary>
/// <param name="Gateway">Empty without one.</param>
internal sealed record ExistingRoute(string Destination, string Gateway, string Device, string Protocol)
{
    /// <summary>Only flanneld writes routes with its protocol. A route of another kind, or over several gateways, names no
    /// device.</summary>
    public bool IsOwn => Protocol == VxlanEntries.Protocol && Device.Length > 0;

    /// <summary>For <c>ip -batch</c>.</summary>
    public string DeleteLine =>
        $"route delete {Destination}{(Gateway.Length > 0 ? $" via {Gateway}" : "")} dev {Device} proto {VxlanEntries.Protocol}";
}

/// <summary>Which of a host's VXLAN devices are flanneld's. Pure.</summary>
internal static class VxlanOwnership
{
    /// <summary>The devices that are flanneld's: with its routes, or with the address of this node and no other program's routes. Upstream
    /// flannel's devices have the same names, and routes without the protocol.</summary>
    /// <param name="ownSubnet">This node's subnet, whose first address is that of its device; null if it is not known.</param>
    public static List<string> FindOwn(
        IReadOnlyList<ExistingDevice> devices, IReadOnlyList<ExistingRoute> routes, Ipv4Network? ownSubnet)
    {
        var own = devices.Where(IsFlannels).Where(IsOwn).ToList();
        // The device for IPv6 has no IPv4 address. The device for IPv4 has the same VNI.
        var siblings = devices.Where(device => IsFlannels(device) && !own.Contains(device)
            && own.Any(other => other.Vni == device.Vni) && !HasOthersRoutes(device));
        return [.. own.Concat(siblings).Select(device => device.Name).Order(StringComparer.Ordinal)];

        bool IsOwn(ExistingDevice device) => routes.Any(route => route.IsOwn && route.Device == device.Name)
            || (ownSubnet is { } subnet && device.Addresses.Contains(subnet.Address.ToString()) && !HasOthersRoutes(device));

        // The kernel's own routes come with an address.
        bool HasOthersRoutes(ExistingDevice device) =>
            routes.Any(route => route.Device == device.Name && !route.IsOwn && route.Protocol != "kernel");
    }

    /// <summary>Whether the name is the one that flannel gives to a device with this VNI.</summary>
    private static bool IsFlannels(ExistingDevice device) =>
        device.Name == VxlanDevice.NameOf(device.Vni) || device.Name == VxlanDevice.NameOf(device.Vni, isV6: true);
}
