using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The commands that make the observed entries the desired ones. Pure. An entry of another program is not touched: only routes
/// inside the cluster's network that carry our mark or have the form of flannel's, and the permanent entries of our device that belong to
/// them.</summary>
/// <param name="Bridge">Lines for <c>bridge -batch</c>, which run first.</param>
/// <param name="Ip">Lines for <c>ip -batch</c>. The new route of a peer comes after its other entries: until its neighbor entry exists, the
/// kernel would ask for it by ARP. The former route is deleted before them: packets that no longer take the tunnel are not lost in
/// it.</param>
public sealed record VxlanPlan(IReadOnlyList<string> Bridge, IReadOnlyList<string> Ip)
{
    /// <summary>Lines for <c>bridge -batch</c>, which run last.</summary>
    public IReadOnlyList<string> BridgeAfter { get; init; } = [];

    public int Count => Bridge.Count + Ip.Count + BridgeAfter.Count;

    public bool IsEmpty => Count == 0;

    /// <param name="network">The cluster's.</param>
    public static VxlanPlan Create(VxlanEntries desired, ObservedEntries observed, string device, IpNetwork network)
    {
        var ip = new List<string>();
        var staleMacs = new HashSet<MacAddress>();
        ReplaceNeighbors(desired, observed, device, ip);
        ReplaceRoutes(desired, observed, ip);
        DeleteRoutes(desired, observed, device, network, ip);
        foreach (var neighbor in observed.Neighbors.Where(each => each.IsPermanent && network.Contains(each.Address)))
        {
            if (!desired.Fdb.ContainsKey(neighbor.Mac)) staleMacs.Add(neighbor.Mac);
            if (!desired.Neighbors.ContainsKey(neighbor.Address)) ip.Add($"neighbor delete {neighbor.Address} dev {device}");
        }

        var present = FindPresent(desired, observed);
        return new VxlanPlan(ReplaceFdb(desired, present, device), ip)
        {
            BridgeAfter = DeleteFdb(desired, observed, present, device, staleMacs),
        };
    }

    /// <summary>Whether flanneld may delete a route: it carries our mark, or it has the form of a route through the tunnel, as upstream
    /// writes it without a mark.</summary>
    internal static bool IsOwn(VxlanRoute route, string device, IpNetwork network) =>
        network.Contains(route.Destination)
        && (route.Protocol == VxlanEntries.Protocol
            || (route.Device == device && route.IsOnLink && route.Gateway == route.Destination.Address));

    private static void DeleteRoutes(
        VxlanEntries desired, ObservedEntries observed, string device, IpNetwork network, List<string> ip)
    {
        foreach (var route in observed.Routes)
        {
            if (IsOwn(route, device, network) && !desired.Routes.ContainsKey(route.Destination))
                ip.Add($"route delete {route.Destination} via {route.Gateway} dev {route.Device} proto {route.Protocol}");
        }
    }

    private static void ReplaceNeighbors(VxlanEntries desired, ObservedEntries observed, string device, List<string> ip)
    {
        var present = observed.Neighbors.ToHashSet();
        foreach (var (address, mac) in desired.Neighbors)
        {
            if (!present.Contains(new ObservedNeighbor(address, mac, IsPermanent: true)))
                ip.Add($"neighbor replace {address} lladdr {mac} dev {device} nud permanent");
        }
    }

    private static void ReplaceRoutes(VxlanEntries desired, ObservedEntries observed, List<string> ip)
    {
        var present = observed.Routes.ToHashSet();
        foreach (var route in desired.Routes.Values.Where(route => !present.Contains(route)))
        {
            // The kernel rejects an IPv6 gateway that another device's route leads to, such as the direct route that this one replaces.
            var former = observed.Routes.FirstOrDefault(each => each.Destination == route.Destination);
            if (route is { IsOnLink: true, Destination.IsV6: true } && former is not null && former.Device != route.Device)
                ip.Add($"route delete {former.Destination} via {former.Gateway} dev {former.Device} proto {former.Protocol}");
            var onLink = route.IsOnLink ? " onlink" : "";
            ip.Add($"route replace {route.Destination} via {route.Gateway} dev {route.Device}{onLink} proto {route.Protocol}");
        }
    }

    /// <summary>The peers whose packets go to the right node.</summary>
    private static HashSet<MacAddress> FindPresent(VxlanEntries desired, ObservedEntries observed) =>
    [
        .. observed.Fdb.Where(each => each.IsPermanent && desired.Fdb.TryGetValue(each.Mac, out var destination)
            && destination == each.Destination).Select(each => each.Mac),
    ];

    private static List<string> ReplaceFdb(VxlanEntries desired, HashSet<MacAddress> present, string device) =>
    [
        .. desired.Fdb.Where(each => !present.Contains(each.Key))
            .Select(each => $"fdb replace {each.Key} dev {device} dst {each.Value} self permanent"),
    ];

    /// <summary>A wrong destination of a peer without the right one is not deleted but replaced, in one step.</summary>
    private static List<string> DeleteFdb(
        VxlanEntries desired, ObservedEntries observed, HashSet<MacAddress> present, string device, HashSet<MacAddress> staleMacs) =>
    [
        .. observed.Fdb.Where(each => each.IsPermanent
                && (staleMacs.Contains(each.Mac) || (present.Contains(each.Mac) && desired.Fdb[each.Mac] != each.Destination)))
            .Select(each => $"fdb delete {each.Mac} dev {device} dst {each.Destination} self"),
    ];
}
