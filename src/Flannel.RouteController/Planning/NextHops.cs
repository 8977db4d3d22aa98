using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Planning;

/// <summary>The next hops of this program's routes. The API's documents and its responses differ in the letter case of the types.</summary>
internal static class NextHops
{
    private const string Instance = "Instance";
    private const string NetworkInterface = "NetworkInterface";

    /// <summary>The next hop of a node's route. For the API, <c>Instance</c> is the primary interface of an instance; a secondary interface
    /// is named itself.</summary>
    public static NextHop Of(AliVpcBackendData node) =>
        node.PrimaryInterface ? new NextHop(Instance, node.InstanceId) : new NextHop(NetworkInterface, node.NetworkInterfaceId);

    /// <summary>The ids of an entry's next hops for a log line.</summary>
    public static string IdsOf(RouteEntry entry) => string.Join(' ', entry.NextHops.Select(hop => hop.Id));

    public static bool AreEqual(NextHop one, NextHop other) =>
        one.Id == other.Id && string.Equals(one.Type, other.Type, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether this program may change or delete an entry, as far as its type and next hops say. An entry of this cluster may have
    /// no next hop, because its instance was released. Several next hops are ECMP, which this program never writes.</summary>
    public static bool MayBeChanged(RouteEntry entry, RouteOwner owner) => entry.IsCustom && entry.NextHops switch
    {
        [] => owner == RouteOwner.ThisCluster,
        [var hop] => LeadsToNode(hop),
        _ => false,
    };

    /// <summary>Whether the next hop can be a node. A route to anything else (VPN gateway, NAT gateway, transit router, peering) is never
    /// changed.</summary>
    private static bool LeadsToNode(NextHop hop) =>
        string.Equals(hop.Type, Instance, StringComparison.OrdinalIgnoreCase)
        || string.Equals(hop.Type, NetworkInterface, StringComparison.OrdinalIgnoreCase);
}
