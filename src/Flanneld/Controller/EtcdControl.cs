using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flanneld.Node;
using Microsoft.Extensions.Logging;

namespace Flanneld.Controller;

/// <summary>The leases in etcd, as the route controller wants to see them.</summary>
internal sealed class EtcdLeaseSource(LeaseWatcher follower) : ILeaseSource
{
    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) => follower.CurrentAsync(cancellation);

    public Task ChangedAfterAsync(long generation, CancellationToken cancellation) => follower.ChangedAfterAsync(generation, cancellation);
}

/// <summary>An election in etcd, as the route controller wants to see it. An etcd that does not answer is never a reason to end a term: the term
/// itself ends in time when it cannot be renewed.</summary>
internal sealed class EtcdControllerTerm(ElectedTerm term, EtcdKeys keys, TimeProvider time, Random random, ILogger logger)
    : IRouteControllerTerm
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Only a person can mend an unreadable cluster id.</summary>
    private static readonly TimeSpan UnreadablePause = TimeSpan.FromSeconds(30);

    private EtcdErrorKind? lastLogged;

    public CancellationToken Lost => term.Lost;

    public async ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation)
    {
        var isReported = false;
        while (true)
        {
            var result = await RepeatAsync<ClusterIdResult?>(async () => await term.Cluster.EnsureAsync(cancellation), null, cancellation);
            if (result is ClusterIdResult.Known { Id: var id }) return id;
            if (result is ClusterIdResult.Unreadable && !isReported)
            {
                isReported = true;
                NodeLog.ClusterIdUnreadable(logger, keys.Cluster.ToStringUtf8());
            }

            // The end of the term cancels this.
            await Task.Delay(result is null ? LongestPause : UnreadablePause, time, cancellation);
        }
    }

    public ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<Ipv4Network> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation) =>
        term.ProveAsync(absent, unchanged, cancellation);

    public async ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation) =>
        await RepeatAsync(() => term.Cluster.ReadAbsentLeasesAsync(cancellation), null, cancellation);

    public async ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation) =>
        await RepeatAsync(() => term.Cluster.WriteAbsentLeasesAsync(document, cancellation), true, cancellation);

    public async ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation) =>
        await RepeatAsync<IReadOnlyDictionary<string, RouteStatus>?>(
            async () => await term.Statuses.ReadAllAsync(cancellation), null, cancellation);

    public async ValueTask<StatusPublication> PublishAsync(IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        var noneWritten = new StatusPublication(IsTermHeld: true, [.. statuses.Select(one => one.Lease.Key.ToString())]);
        return await RepeatAsync(() => term.Statuses.PublishAsync(statuses, cancellation), noneWritten, cancellation);
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation) =>
        await RepeatAsync(() => term.Statuses.DeleteAsync(subnetKeys, cancellation), true, cancellation);

    public async ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        await RepeatAsync(() => term.VSwitches.PublishAsync(vpcId, ranges, cancellation), true, cancellation);

    /// <summary>Repeats what heals by itself while the term lasts. What etcd refuses (a missing permission, a full database) waits for a person:
    /// it is reported once, and the controller goes on without it.</summary>
    private async Task<T> RepeatAsync<T>(Func<Task<T>> ask, T whenRefused, CancellationToken cancellation)
    {
        var pauses = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (EtcdException e) when (!e.CanHeal || e.Kind == EtcdErrorKind.NoSpace)
            {
                LogRefusal(e);
                return whenRefused;
            }
            catch (EtcdException)
            {
                await Task.Delay(pauses.Next(), time, cancellation);
            }
        }
    }

    private void LogRefusal(EtcdException e)
    {
        if (lastLogged == e.Kind) return;
        lastLogged = e.Kind;
        var remedy = e.Kind == EtcdErrorKind.PermissionDenied ? $"; grant the etcd user readwrite on the prefix {keys.Prefix}/ali-vpc/" : "";
        NodeLog.ControllerRefused(logger, e.Message.TrimEnd('.') + remedy);
    }
}
