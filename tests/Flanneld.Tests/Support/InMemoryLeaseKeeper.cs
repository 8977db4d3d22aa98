using System.Runtime.CompilerServices;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flanneld.Tests.Support;

/// <summary>Holds one lease of an <see cref="InMemorySubnetManager"/>: compares the state with the one before, and reports the
/// difference.</summary>
internal sealed class InMemoryLeaseKeeper(InMemorySubnetManager manager, HeldLease held, TimeProvider time)
{
    private Lease lease = held.Lease;
    private LeaseExpiry? expiry = held.Expiry;
    private ConfigState config = new ConfigState.Present(held.Config, held.ConfigRevision);
    private RouteStatus? status;
    private ControllerHolder? controller;
    private bool isControllerReported;
    private bool isConfirmed;
    private bool isUnavailable;
    private bool isExpired;

    private bool IsTimeOver => expiry is { } last && last.Remaining(time) <= TimeSpan.Zero;

    public async IAsyncEnumerable<LeaseEvent> HoldAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            var change = manager.NextChange;
            foreach (var each in Compare())
            {
                yield return each;
                if (each is LeaseEvent.Lost) yield break;
            }

            await TaskWait.WaitAsync(change, InMemorySubnetManager.PollInterval, time, cancellation);
        }
    }

    private List<LeaseEvent> Compare()
    {
        if (manager.ReadNode(lease.Key) is not { } snapshot) return CompareWhileUnavailable();
        isUnavailable = false;
        return snapshot.Own is { } own ? CompareExisting(snapshot, own) : CompareMissing(snapshot);
    }

    private List<LeaseEvent> CompareWhileUnavailable()
    {
        List<LeaseEvent> events = [];
        if (!isUnavailable) events.Add(new LeaseEvent.Unavailable("no answer"));
        if (IsTimeOver && !isExpired) events.Add(new LeaseEvent.Expired());
        (isUnavailable, isExpired, isConfirmed) = (true, isExpired || IsTimeOver, false);
        return events;
    }

    /// <summary>A lease that ended before its time was deleted. One that expired is taken back if its subnet is free.</summary>
    private List<LeaseEvent> CompareMissing(NodeSnapshot snapshot)
    {
        if (!IsTimeOver) return [new LeaseEvent.Lost(LeaseLoss.Deleted, "its lease was deleted")];
        if (snapshot.Config is ConfigState.Present present && !SubnetAllocator.Fits(present.Config, lease.Subnet))
            return [new LeaseEvent.Lost(LeaseLoss.Unfit, "it expired, and does not fit the configuration any more")];
        if (manager.Renew(lease) is not { } renewed)
            return [new LeaseEvent.Lost(LeaseLoss.Taken, "it expired, and its subnet is taken")];
        (lease, expiry, isConfirmed) = (renewed.Lease, renewed.Expiry, false);
        return [new LeaseEvent.Renewed(manager.LeaseTime), .. Compare()];
    }

    private List<LeaseEvent> CompareExisting(NodeSnapshot snapshot, StoredLease own)
    {
        if (own.Lease.Attributes.PublicIp != held.Lease.Attributes.PublicIp)
            return [new LeaseEvent.Lost(LeaseLoss.Overwritten, $"{own.Lease.Attributes.PublicIp} has it now")];
        List<LeaseEvent> events = [];
        if (own.Expiry is { } last && last.Remaining(time) <= manager.LeaseTime / 2)
        {
            own = manager.Renew(own.Lease)!;
            events.Add(new LeaseEvent.Renewed(manager.LeaseTime));
        }

        (lease, expiry) = (own.Lease, own.Expiry);
        var mustConfirm = !isConfirmed;
        if (mustConfirm) events.Add(new LeaseEvent.Confirmed(lease));
        (isConfirmed, isExpired) = (true, false);
        if (!snapshot.Config.IsSameAs(config)) events.Add(new LeaseEvent.ConfigChanged(config = snapshot.Config));
        if (mustConfirm || own.Status != status) events.Add(new LeaseEvent.RouteStatusChanged(status = own.Status));
        if (!isControllerReported || snapshot.Controller != controller)
            events.Add(new LeaseEvent.ControllerChanged(controller = snapshot.Controller));
        isControllerReported = true;
        return events;
    }
}
