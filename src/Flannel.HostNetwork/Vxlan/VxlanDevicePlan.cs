using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The commands that make the observed device the desired one. Pure.</summary>
/// <param name="Ip">Lines for <c>ip -batch</c>; empty if nothing differs.</param>
/// <param name="IsCreated">The device is created, or deleted and created again: it then has no entries.</param>
/// <param name="Reason">Why the existing device is created again; empty unless it is.</param>
public sealed record VxlanDevicePlan(IReadOnlyList<string> Ip, bool IsCreated, string Reason)
{
    /// <param name="observed">Null if there is none.</param>
    /// <param name="address">The first address of this node's subnet, which the device gets and which sets it up; null while the node has
    /// no subnet yet.</param>
    /// <param name="network">The cluster's: other addresses of the device inside it are removed.</param>
    /// <returns>Fails if a device of another kind has the name.</returns>
    public static Result<VxlanDevicePlan> Create(
        VxlanDevice desired, ObservedDevice? observed, IpAddress? address, IpNetwork network)
    {
        if (observed is not null && observed.Kind != "vxlan")
        {
            var kind = observed.Kind.Length > 0 ? $"has the type {observed.Kind}" : "is not virtual";
            return Result.Failure($"device {desired.Name} {kind}, and not vxlan: rename or delete it, or use another VNI");
        }

        var lines = new List<string>();
        var difference = observed is null ? "" : FindDifference(desired, observed);
        if (difference.Length > 0) lines.Add($"link delete {desired.Name}");
        var kept = difference.Length > 0 ? null : observed;
        if (kept is null) lines.Add(CreateLine(desired));
        else AddChanges(desired, kept, lines);
        if (address is { } own) AddAddress(desired, kept, own, network, lines);
        return new VxlanDevicePlan(lines, kept is null, difference);
    }

    private static string CreateLine(VxlanDevice device) =>
        $"link add {device.Name} address {device.Mac} mtu {device.Mtu} type vxlan id {device.Vni} dev {device.Parent}"
        + $" local {device.Local} dstport {device.Port} {(device.Learning ? "learning" : "nolearning")}{(device.Gbp ? " gbp" : "")}";

    /// <summary>What cannot be changed in place; upstream's <c>vxlanLinksIncompat</c>, and <c>Learning</c>.</summary>
    private static string FindDifference(VxlanDevice desired, ObservedDevice observed)
    {
        if (observed.Vni != desired.Vni) return $"VNI {observed.Vni}, now {desired.Vni}";
        if (observed.Parent != desired.Parent) return $"interface {observed.Parent}, now {desired.Parent}";
        if (observed.Local != desired.Local) return $"local address {observed.Local?.ToString() ?? "none"}, now {desired.Local}";
        if (observed.Port != desired.Port) return $"port {observed.Port}, now {desired.Port}";
        if (observed.Gbp != desired.Gbp) return $"GBP {Text(observed.Gbp)}, now {Text(desired.Gbp)}";
        return observed.Learning != desired.Learning ? $"Learning {Text(observed.Learning)}, now {Text(desired.Learning)}" : "";
    }

    private static void AddChanges(VxlanDevice desired, ObservedDevice observed, List<string> lines)
    {
        if (observed.Mtu != desired.Mtu) lines.Add($"link set dev {desired.Name} mtu {desired.Mtu}");
        if (observed.Mac != desired.Mac) lines.Add($"link set dev {desired.Name} address {desired.Mac}");
    }

    /// <summary>/32, so that no route for the subnet and no broadcast route come with it (upstream
    /// <c>configureDeviceIPv4IPv6</c>); /128 of IPv6. No peer answers the kernel's search for a duplicate of an IPv6 address, so it is
    /// omitted.</summary>
    private static void AddAddress(
        VxlanDevice desired, ObservedDevice? observed, IpAddress own, IpNetwork network, List<string> lines)
    {
        var expected = new ObservedAddress(own, own.Bits);
        foreach (var other in observed?.Addresses ?? [])
        {
            if (other != expected && network.Contains(other.Address))
                lines.Add($"address delete {other.Address}/{other.PrefixLength} dev {desired.Name}");
        }

        if (observed?.Addresses.Contains(expected) != true)
            lines.Add($"address add {own}/{own.Bits} dev {desired.Name}{(own.IsV6 ? " nodad" : "")}");
        if (observed?.IsUp != true) lines.Add($"link set dev {desired.Name} up");
    }

    private static string Text(bool value) => value ? "true" : "false";
}
