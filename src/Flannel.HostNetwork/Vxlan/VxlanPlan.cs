using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The commands that make the observed entries the desired ones. Pure. An entry of another program is not touched: only routes
/// inside the cluster's network that carry our mark or have the form of flannel's, and the permanent entries of our device that belong to
/// them.</summary>
/// <param name="Bridge">Lines for <c>bridge -batch</c>, which run first.</param>
/// <param name="Ip">Lines for <c>ip -batch</c>. The route of a peer comes last: until its neighbor entry exists, the kernel would ask for
/// it by ARP.</param>
public sealed record VxlanPlan(IReadOnlyList<string> Bridge, IReadOnlyList<string> Ip)
{
    public bool IsEmpty => Bridge.Count == 0 && Ip.Count == 0;

    /// <param name="network">The cluster's.</param>
    public static VxlanPlan Create(VxlanEntries desired, ObservedEntries observed, string device, Ipv4Network network)
    {
        var ip = new List<string>();
        var staleMacs = new HashSet<MacAddress>();
        DeleteRoutes(desired, observed, device, network, ip);
        foreach (var neighbor in observed.Neighbors.Where(each => each.IsPermanent && network.Contains(each.Address)))
        {
            if (!desired.Fdb.ContainsKey(neighbor.Mac)) staleMacs.Add(neighbor.Mac);
            if (!desired.Neighbors.ContainsKey(neighbor.Address)) ip.Add($"neighbor delete {neighbor.Address} dev {device}");
        }

        ReplaceNeighbors(desired, observed, device, ip);
        ReplaceRoutes(desired, observed, ip);
        return new VxlanPlan(PlanFdb(desired, observed, device, staleMacs), ip);
    }

    /// <summary>Whether flanneld may delete a route: it carries our mark, or it has the form of a route through the tunnel, as upstream
    /// writes it without a mark.</summary>
    internal static bool IsOwn(VxlanRoute route, string device, Ipv4Network network) =>
        network.Contains(route.Destination)
        && (route.Protocol == VxlanEntries.Protocol
            || (route.Device == device && route.IsOnLink && route.Gateway == route.Destination.Address));

    private static void DeleteRoutes(
        VxlanEntries desired, ObservedEntries observed, string device, Ipv4Network network, List<string> ip)
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
            var onLink = route.IsOnLink ? " onlink" : "";
            ip.Add($"route replace {route.Destination} via {route.Gateway} dev {route.Device}{onLink} proto {route.Protocol}");
        }
    }

    private static List<string> PlanFdb(
        VxlanEntries desired, ObservedEntries observed, string device, HashSet<MacAddress> staleMacs)
    {
        var bridge = new List<string>();
        var present = new HashSet<MacAddress>();
        foreach (var entry in observed.Fdb.Where(each => each.IsPermanent))
        {
            if (desired.Fdb.TryGetValue(entry.Mac, out var destination) && destination == entry.Destination) present.Add(entry.Mac);
        }

        foreach (var entry in observed.Fdb.Where(each => each.IsPermanent))
        {
            // A wrong destination of a peer without the right one is replaced below, in one step.
            if (staleMacs.Contains(entry.Mac) || (present.Contains(entry.Mac) && desired.Fdb[entry.Mac] != entry.Destination))
                bridge.Add($"fdb delete {entry.Mac} dev {device} dst {entry.Destination} self");
        }

        foreach (var (mac, destination) in desired.Fdb)
        {
            if (!present.Contains(mac)) bridge.Add($"fdb replace {mac} dev {device} dst {destination} self permanent");
        }

        return bridge;
    }
}
