using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>What stands in etcd about each node, as far as this term knows. Only changes are written. A status belongs to one holding of a
/// subnet: when the lease is made anew, its status went with the old one.</summary>
internal sealed class PublishedStatusCache(IRouteControllerTerm term, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim one = new(1);
    private readonly Dictionary<string, (Lease Lease, RouteStatus Status)> published = [];

    // What etcd refused to write. It is tried again by RetryAsync alone, so that no pass asks for it again and again. Under the same lock.
    private readonly Dictionary<string, (Lease Lease, RouteStatus Status)> refused = [];

    /// <summary>Called when etcd has refused a status: <see cref="RetryAsync"/> is due.</summary>
    public AsyncAutoResetEvent Refusals { get; } = new(time);

    public void Dispose() => one.Dispose();

    /// <summary>Takes over what stands in etcd; what stands there for subnets without a lease is deleted.</summary>
    /// <param name="leases">A view from before the reading, or the same time: a status read later belongs to these leases or to newer ones,
    /// and a newer one is told by its create revision and its etcd lease.</param>
    public async Task ReadAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        await one.WaitAsync(CancellationToken.None);
        try
        {
            if (await term.ReadStatusesAsync(cancellation) is not { } standing) return;
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
    public RouteStatus? Of(DesiredRoute node)
    {
        lock (published)
        {
            return published.TryGetValue(node.Key, out var known) && IsSameHolding(known.Lease, node.Lease)
                && known.Status.SpeaksOf(node.Destination, node.Node.InstanceId)
                ? known.Status
                : null;
        }
    }

    /// <summary>Writes those that say something new. False when the term is over. What etcd refuses is left to
    /// <see cref="RetryAsync"/>.</summary>
    public async Task<bool> PublishAsync(IEnumerable<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        await one.WaitAsync(CancellationToken.None);
        try
        {
            List<(Lease Lease, RouteStatus Status)> news;
            lock (published)
            {
                news = [.. statuses.Where(s => !IsAmong(published, s.Lease, s.Status) && !IsAmong(refused, s.Lease, s.Status))];
            }

            return await WriteAsync(news, cancellation);
        }
        finally
        {
            one.Release();
        }
    }

    /// <summary>Writes again what etcd refused before, unless the lease is gone or a newer status was written since.</summary>
    /// <param name="leases">The newest view.</param>
    /// <returns>Whether everything is written now.</returns>
    public async Task<bool> RetryAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        await one.WaitAsync(CancellationToken.None);
        try
        {
            List<(Lease Lease, RouteStatus Status)> again = [];
            lock (published)
            {
                var living = leases.ToDictionary(lease => lease.Key.ToString());
                foreach (var (key, (lease, status)) in refused.ToList())
                {
                    if (living.TryGetValue(key, out var newest) && IsSameHolding(lease, newest)) again.Add((newest, status));
                    else refused.Remove(key);
                }
            }

            return !await WriteAsync(again, cancellation) || refused.Count == 0;
        }
        finally
        {
            one.Release();
        }
    }

    private async Task<bool> WriteAsync(List<(Lease Lease, RouteStatus Status)> news, CancellationToken cancellation)
    {
        if (news.Count == 0) return true;
        var result = await term.PublishAsync(news, cancellation);
        if (!result.IsTermHeld) return false;
        var failed = result.Refused.ToHashSet();
        if (failed.Count > 0) Refusals.Set();
        lock (published)
        {
            foreach (var (lease, status) in news)
            {
                var key = lease.Key.ToString();
                refused.Remove(key);
                if (failed.Contains(key)) refused[key] = (lease, status);
                else published[key] = (lease, status);
            }
        }

        return true;
    }

    private static bool IsAmong(Dictionary<string, (Lease Lease, RouteStatus Status)> known, Lease lease, RouteStatus status) =>
        known.TryGetValue(lease.Key.ToString(), out var entry) && IsSameHolding(entry.Lease, lease) && entry.Status.SaysTheSameAs(status);

    /// <summary>An etcd that was restored from a snapshot gives revisions out a second time, so the etcd lease counts as well; the status is
    /// attached to it, too.</summary>
    private static bool IsSameHolding(Lease one, Lease other) =>
        one.CreateRevision == other.CreateRevision && one.EtcdLeaseId == other.EtcdLeaseId;
}
