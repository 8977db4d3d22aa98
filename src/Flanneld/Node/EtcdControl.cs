using Flannel.AliVpc.Control;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd;
using Flannel.Etcd.Control;
using Flannel.Etcd.Leasing;

namespace Flanneld.Node;

/// <summary>The leases in etcd, as the route controller wants to see them.</summary>
internal sealed class EtcdLeaseView(LeaseFollower follower) : ILeaseView
{
    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) => follower.CurrentAsync(cancellation);

    public Task ChangedAfterAsync(long revision, CancellationToken cancellation) => follower.ChangedAfterAsync(revision, cancellation);
}

/// <summary>An election in etcd, as the route controller wants to see it. An etcd that does not answer is never a reason to end a term: the term
/// itself ends in time when it cannot be renewed.</summary>
internal sealed class EtcdControllerTerm(ControllerTerm term, TimeProvider time) : IControllerTerm
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public CancellationToken Lost => term.Lost;

    public ValueTask<bool> StillHeldAsync(CancellationToken cancellation) => term.StillHeldAsync(cancellation);

    public async ValueTask<IReadOnlyDictionary<string, RouteStatus>> ReadStatusesAsync(CancellationToken cancellation) =>
        await RepeatAsync(() => term.Statuses.ReadAllAsync(cancellation), cancellation).ConfigureAwait(false);

    public async ValueTask<bool> PublishAsync(IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation) =>
        await RepeatAsync(() => term.Statuses.PublishAsync(statuses, cancellation), cancellation).ConfigureAwait(false);

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation) =>
        await RepeatAsync(() => term.Statuses.DeleteAsync(subnetKeys, cancellation), cancellation).ConfigureAwait(false);

    public async ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        await RepeatAsync(() => term.VSwitches.PublishAsync(vpcId, ranges, cancellation), cancellation).ConfigureAwait(false);

    private async Task<T> RepeatAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await ask().ConfigureAwait(false);
            }
            catch (EtcdException)
            {
                await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
            }
        }
    }
}
