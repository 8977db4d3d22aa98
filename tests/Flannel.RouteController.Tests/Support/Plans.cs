using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

/// <summary>Desired routes, entries and plans in a short form.</summary>
internal static class Plans
{
    public static readonly Ipv4Network Network = Ipv4Network.Parse("10.24.0.0/16");
    public static readonly OwnershipMark Ours = OwnershipMark.Of(InMemoryTerm.OurCluster);
    public static readonly OwnershipMark Theirs = OwnershipMark.Of(InMemoryTerm.OtherCluster);

    public static DesiredRoute Desired(string subnet, string instance = "i-1", bool primary = true) => new(
        new Lease(
            new SubnetKey(Ipv4Network.Parse(subnet)), new LeaseAttributes(default, null, "ali-vpc", null, null),
            new TestLeaseIdentity(1, 1), 1),
        new AliVpcBackendData("cn-hangzhou", "vpc-1", "vsw-1", instance, $"eni-{instance}", primary));

    /// <param name="mark">One of "", "ours", "theirs".</param>
    /// <param name="hops">Comma-separated; <c>eni-…</c> is an interface, <c>vpn-…</c> a VPN gateway.</param>
    public static RouteEntry Entry(string destination, string hops = "i-1", string mark = "",
        RouteEntryStatus status = RouteEntryStatus.Available, bool isCustom = true, string description = "")
    {
        var owner = mark switch { "ours" => Ours, "theirs" => Theirs, _ => null };
        if (description.Length == 0) description = owner?.Description ?? "";
        return new RouteEntry("vtb-1", $"rte-{destination}-{hops}",
            IpNetwork.TryParse(destination, out var network) ? network : null, destination, isCustom, status,
            owner?.Token ?? "", description,
            [.. hops.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(hop => new NextHop(TypeOf(hop), hop))]);
    }

    public static IReadOnlyList<RouteAction> For(
        IReadOnlyCollection<DesiredRoute> desired, IReadOnlyList<RouteEntry> entries, string[]? excluded = null, bool servesNoNode = false,
        string[]? ended = null) =>
        RoutePlan.For(new RoutePlanInput(
            "vtb-1", Network, desired, [.. (excluded ?? []).Select(IpNetwork.Parse)], entries, Ours, servesNoNode)
        {
            Ended = [.. (ended ?? []).Select(IpNetwork.Parse)],
        });

    private static string TypeOf(string hop) => hop.Split('-')[0] switch
    {
        "eni" => "NetworkInterface",
        "vpn" => "VpnGateway",
        _ => "Instance",
    };

    /// <summary><c>Create 10.24.1.0/24</c>, <c>Conflict:Wider 10.24.0.0/20</c> …</summary>
    public static string Text(IEnumerable<RouteAction> actions) => string.Join(" | ", actions.Select(action =>
        $"{action.GetType().Name}{(action is RouteAction.Conflict conflict ? $":{conflict.Kind}" : "")} {action.Destination}"));
}
