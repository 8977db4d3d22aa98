namespace Flannel.RouteController;

/// <param name="RouteTableIds">The tables of <c>RouteTableID</c>, beside those that serve the nodes' vSwitches.</param>
public sealed record RouteControllerOptions(IReadOnlyList<string> RouteTableIds)
{
    /// <summary>How often the tables are read again although nothing asked for it: <c>--route-resync</c>.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Every so many resyncs also what changes seldom is read: tables that serve no node, the VPC's ranges, the interfaces.</summary>
    public int SlowResyncs { get; init; } = 10;

    /// <summary>How long a lease that was seen to end must be missing before its route is deleted.</summary>
    public TimeSpan StaleGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the view must be quiet before a pass, so that nodes that join together share a call.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The longest time that quiet is waited for.</summary>
    public TimeSpan LongestGathering { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How long a status that was available stays so while the route is being repaired.</summary>
    public TimeSpan RepairPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a finished route waits for the word on its interface's source/destination check.</summary>
    public TimeSpan CheckPatience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>After so long without an answer from the API the term ends, for another node may reach it.</summary>
    public TimeSpan UnreachableLimit { get; init; } = TimeSpan.FromMinutes(2);
}
