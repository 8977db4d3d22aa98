using Flannel.AliCloud.Http;

namespace Flannel.RouteController;

/// <param name="RouteTableIds">The tables of <c>RouteTableID</c>, in addition to those that serve the nodes' vSwitches.</param>
public sealed record RouteControllerOptions(IReadOnlyList<string> RouteTableIds)
{
    /// <summary>How often the tables are read again: <c>--route-resync</c>.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Every n-th resync also reads what changes rarely: tables that serve no node, the VPC's ranges, the interfaces.</summary>
    public int FullResyncInterval { get; init; } = 10;

    /// <summary>How long a lease that was seen to end must be absent before its route is deleted.</summary>
    public TimeSpan StaleGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the leases must not change before a pass, so that nodes that join together share a call.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The longest wait for a <see cref="Quiet"/> period.</summary>
    public TimeSpan MaxQuietWait { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How long a route status stays Available while the route is being repaired.</summary>
    public TimeSpan RepairDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a new route waits until the source/destination check of its interface is known.</summary>
    public TimeSpan InterfaceCheckDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The term ends after this time without a response of the API: another node may reach the API.</summary>
    public TimeSpan UnreachableLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Of a table with more entries, single destinations are read where that takes fewer calls. Smaller in tests.</summary>
    internal int EntriesPerPage { get; init; } = CloudLimits.EntriesPerPage;
}
