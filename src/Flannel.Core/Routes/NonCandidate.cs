using Flannel.Core.Leases;

namespace Flannel.Core.Routes;

/// <summary>A node that is not a candidate for route controller. It publishes this while no route controller is elected.</summary>
/// <param name="Reason">Why, one line without a secret and without a request id, so that the same cause gives the same text.</param>
/// <param name="RequestId">Of the call to the cloud that shows the cause; empty without one.</param>
/// <param name="Since">When the reason was published first, UTC.</param>
public sealed record NonCandidate(string InstanceId, string PublicIp, string Reason, string RequestId, DateTimeOffset Since)
{
    /// <summary>The reason with the request id.</summary>
    public string Cause => RequestId.Length > 0 ? $"{Reason} (request {RequestId})" : Reason;

    /// <summary>Such as <c>i-1 (192.168.1.11): the key from RAM role x: missing permission vpc:DescribeRouteEntryList (request
    /// 1A2B)</c>.</summary>
    public override string ToString() => $"{InstanceId} ({PublicIp}): {Cause}";
}

/// <summary>The nodes that are not candidates, as <see cref="ISubnetManager.ReadNonCandidatesAsync"/> reads them.</summary>
/// <param name="Nodes">The first ones in the order of their instance ids; fewer than were asked for if a value cannot be read.</param>
/// <param name="Count">Of all of them.</param>
public sealed record NonCandidateList(IReadOnlyList<NonCandidate> Nodes, long Count)
{
    public static readonly NonCandidateList Empty = new([], 0);

    /// <summary>Such as <c>3 nodes are not candidates: i-1 (…): …; i-2 (…): …; and 1 more</c>.</summary>
    /// <param name="atMost">The number of nodes that are named.</param>
    public string Describe(int atMost)
    {
        var named = Nodes.Take(atMost).Select(node => node.ToString()).ToList();
        var heading = Plural.Of(Count, "node is not a candidate", "nodes are not candidates");
        if (named.Count == 0) return heading;
        if (Count > named.Count) named.Add($"and {Count - named.Count} more");
        return $"{heading}: {string.Join("; ", named)}";
    }
}
