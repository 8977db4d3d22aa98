using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Planning;

/// <summary>Which next hops this program writes. The API's documents and its answers differ in the letter case of the types.</summary>
internal static class NextHops
{
    public const string Instance = "Instance";
    public const string NetworkInterface = "NetworkInterface";

    public static bool AreEqual(NextHop one, NextHop other) =>
        one.Id == other.Id && string.Equals(one.Type, other.Type, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a node may be behind it. A route to anything else (VPN gateway, NAT gateway, transit router, peering) is never
    /// changed.</summary>
    public static bool LeadsToNode(NextHop hop) =>
        string.Equals(hop.Type, Instance, StringComparison.OrdinalIgnoreCase)
        || string.Equals(hop.Type, NetworkInterface, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether this program may change or delete an entry, as far as its type and its next hop say. Of its own making may be one
    /// without a next hop, for its instance is gone; several next hops are ECMP and never are.</summary>
    public static bool MayBeChanged(RouteEntry entry, MarkOwner owner) => entry.IsCustom && entry.NextHops switch
    {
        [] => owner == MarkOwner.Ours,
        [var hop] => LeadsToNode(hop),
        _ => false,
    };
}
