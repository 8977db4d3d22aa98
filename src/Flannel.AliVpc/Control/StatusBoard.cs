using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.AliVpc.Control;

/// <summary>What stands in etcd about each node, as far as this term knows. Only changes are written. A status belongs to one holding of a
/// subnet: when the lease is made anew, its status went with the old one.</summary>
internal sealed class StatusBoard(IControllerTerm term) : IDisposable
{
    private readonly SemaphoreSlim one = new(1);
    private readonly Dictionary<string, (Lease Lease, RouteStatus Status)> published = [];

    public void Dispose() => one.Dispose();

    /// <summary>Takes over what stands in etcd; what stands there for subnets without a lease is deleted.</summary>
    /// <param name="leases">A view from before the reading, or the same time: a status read later belongs to these leases or to newer ones,
    /// and a newer one is told by its create revision and its etcd lease.</param>
    public async Task ReadAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        await one.WaitAsync(CancellationToken.None);
        try
        {
            var standing = await term.ReadStatusesAsync(cancellation);
            lock (published)
            {
                published.Clear();
                foreach (var lease in leases)
                {
                    if (standing.TryGetValue(lease.Key.ToString(), out var status)) published[lease.Key.ToString()] = (lease, status);
                }
            }

            var keys = leases.Select(lease => lease.Key.ToString()).ToHashSet();
            var orphans = standing.Keys.Where(key => !keys.Contains(key)).ToList();
            if (orphans.Count > 0) await term.DeleteAsync(orphans, cancellation);
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Null when nothing is known to stand for this holding of the subnet by this node.</summary>
    public RouteStatus? Of(WantedRoute node)
    {
        lock (published)
        {
            return published.TryGetValue(node.Key, out var known) && IsSameHolding(known.Lease, node.Lease)
                && known.Status.SpeaksOf(node.Destination, node.Node.InstanceId)
                ? known.Status
                : null;
        }
    }

    /// <summary>Writes those that say something new. False when the term is over.</summary>
    public async Task<bool> PublishAsync(IEnumerable<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        await one.WaitAsync(CancellationToken.None);
        try
        {
            List<(Lease Lease, RouteStatus Status)> news;
            lock (published) news = [.. statuses.Where(s => IsNew(s.Lease, s.Status))];
            if (news.Count == 0) return true;
            if (!await term.PublishAsync(news, cancellation)) return false;
            lock (published)
            {
                foreach (var (lease, status) in news) published[lease.Key.ToString()] = (lease, status);
            }

            return true;
        }
        finally
        {
            one.Release();
        }
    }

    private bool IsNew(Lease lease, RouteStatus status) =>
        !published.TryGetValue(lease.Key.ToString(), out var known) || !IsSameHolding(known.Lease, lease)
        || !known.Status.SaysTheSameAs(status);

    /// <summary>An etcd that was restored from a snapshot gives revisions out a second time, so the etcd lease counts as well; the status is
    /// attached to it, too.</summary>
    private static bool IsSameHolding(Lease one, Lease other) =>
        one.CreateRevision == other.CreateRevision && one.EtcdLeaseId == other.EtcdLeaseId;
}
