using Flannel.Core.Routes;

namespace Flannel.Core.Leases;

/// <summary>All route statuses at one time. Immutable.</summary>
/// <param name="Statuses">By the text of their subnet's key; without those that cannot be read.</param>
/// <param name="Generation">Counts the changes that its reader has seen, from 1.</param>
public sealed record RouteStatusSnapshot(IReadOnlyDictionary<string, PublishedRouteStatus> Statuses, long Generation)
{
    /// <summary>The status of this holding of the subnet; null if there is none.</summary>
    public RouteStatus? Of(Lease lease) =>
        Statuses.TryGetValue(lease.Key.ToString(), out var published) && published.Describes(lease) ? published.Status : null;
}
