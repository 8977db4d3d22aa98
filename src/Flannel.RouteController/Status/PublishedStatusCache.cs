using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Status;

/// <summary>The published route statuses, as far as this term knows. It writes only changes. A status belongs to one holding of a subnet:
/// a new lease of the same subnet has no status yet.</summary>
/// <remarks>Thread-safe: all VPCs of a term publish through it.</remarks>
internal sealed class PublishedStatusCache(IRouteStatusSink sink, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim writeGate = new(1);
    private readonly Dictionary<string, RouteStatusUpdate> published = [];

    // Rejected statuses are retried by RetryAsync alone, so that not every pass repeats the request. Guarded by the lock of `published`.
    private readonly Dictionary<string, RouteStatusUpdate> rejected = [];

    /// <summary>Set when the store has rejected a status: <see cref="RetryAsync"/> is due.</summary>
    public AsyncAutoResetEvent Rejections { get; } = new(time);

    public void Dispose() => writeGate.Dispose();

    /// <summary>Reads the published statuses, and deletes those of subnets without a lease.</summary>
    /// <param name="leases">A snapshot from before this call. A status that is read after it belongs to these leases or to newer ones; a
    /// newer lease has another identity.</param>
    public async Task ReadAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        await writeGate.WaitAsync(CancellationToken.None);
        try
        {
            if (await sink.ReadStatusesAsync(cancellation) is not { } stored) return;
            lock (published)
            {
                published.Clear();
                foreach (var lease in leases)
                {
                    var key = lease.Key.ToString();
                    if (stored.TryGetValue(key, out var status)) published[key] = new RouteStatusUpdate(lease, status);
                }
            }

            var keys = leases.Select(lease => lease.Key.ToString()).ToHashSet();
            var orphans = stored.Keys.Where(key => !keys.Contains(key)).ToList();
            if (orphans.Count > 0) await sink.DeleteAsync(orphans, cancellation);
        }
        finally
        {
            writeGate.Release();
        }
    }

    /// <summary>The published status of this route for this holding of the subnet; null if none is known. That of an IPv6 route is in the
    /// same form.</summary>
    public RouteStatus? Of(DesiredRoute node)
    {
        lock (published)
        {
            var isKnown = published.TryGetValue(node.Key, out var known) && IsSameHolding(known.Lease, node.Lease)
                && known.Status.IsFor(node.Lease.Subnet, node.Node.InstanceId);
            if (!isKnown) return null;
            if (node.IsIpv6) return Ipv6Of(known!.Status);
            return known!.Status.Ipv6 is null ? known.Status : known.Status with { Ipv6 = null };
        }
    }

    /// <summary>Whether a status of the subnet is published, as far as is known: of this holding or of an earlier one.</summary>
    public bool Has(SubnetKey key)
    {
        lock (published) return published.ContainsKey(key.ToString());
    }

    /// <summary>Publishes the statuses that differ from the published ones. Those that the store rejects wait for
    /// <see cref="RetryAsync"/>.</summary>
    /// <returns>False if the term is over.</returns>
    public async Task<bool> PublishAsync(IEnumerable<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        await writeGate.WaitAsync(CancellationToken.None);
        try
        {
            List<RouteStatusUpdate> changed;
            lock (published)
            {
                changed = [.. updates.Where(update => !Contains(published, update) && !Contains(rejected, update))];
            }

            return await WriteAsync(changed, cancellation);
        }
        finally
        {
            writeGate.Release();
        }
    }

    /// <summary>Publishes the rejected statuses again, except those whose lease is gone and those that were replaced by a newer
    /// one.</summary>
    /// <param name="leases">The newest snapshot.</param>
    /// <returns>Whether no rejected status is left.</returns>
    public async Task<bool> RetryAsync(IReadOnlyList<Lease> leases, CancellationToken cancellation)
    {
        await writeGate.WaitAsync(CancellationToken.None);
        try
        {
            List<RouteStatusUpdate> retried = [];
            lock (published)
            {
                // In Kubernetes, two Nodes may have one podCIDR.
                var current = leases.ToLookup(lease => lease.Key.ToString());
                foreach (var (key, (lease, status)) in rejected.ToList())
                {
                    var newest = current[key].FirstOrDefault(other => IsSameHolding(lease, other));
                    if (newest is not null) retried.Add(new(newest, status));
                    else rejected.Remove(key);
                }
            }

            return !await WriteAsync(retried, cancellation) || rejected.Count == 0;
        }
        finally
        {
            writeGate.Release();
        }
    }

    private async Task<bool> WriteAsync(List<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        if (updates.Count == 0) return true;
        var result = await sink.PublishAsync(updates, cancellation);
        if (!result.IsTermHeld) return false;
        var failed = result.Rejected.ToHashSet();
        if (failed.Count > 0) Rejections.Set();
        lock (published)
        {
            foreach (var update in updates)
            {
                var key = update.Lease.Key.ToString();
                rejected.Remove(key);
                (failed.Contains(key) ? rejected : published)[key] = update;
            }
        }

        return true;
    }

    private static RouteStatus? Ipv6Of(RouteStatus status) => status.Ipv6 is { } ipv6
        ? status with
        {
            Subnet = ipv6.Subnet,
            State = ipv6.State,
            Message = ipv6.Message,
            RequestId = ipv6.RequestId,
            Tables = ipv6.Tables,
            Ipv6 = null,
        }
        : null;

    private static bool Contains(Dictionary<string, RouteStatusUpdate> known, RouteStatusUpdate update) =>
        known.TryGetValue(update.Lease.Key.ToString(), out var entry) && IsSameHolding(entry.Lease, update.Lease)
        && entry.Status.HasSameContentAs(update.Status);

    private static bool IsSameHolding(Lease one, Lease other) => one.Identity == other.Identity;
}
