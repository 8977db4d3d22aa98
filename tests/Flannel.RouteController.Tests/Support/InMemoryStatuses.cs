using System.Collections.Concurrent;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;

namespace Flannel.RouteController.Tests.Support;

/// <summary>A route status sink in memory, which records what one term publishes and when.</summary>
internal sealed class InMemoryStatuses(InMemoryTerm term, TimeProvider time, InMemoryLeases leases) : IRouteStatusSink
{
    private readonly long began = time.GetTimestamp();

    /// <summary>By subnet key.</summary>
    public ConcurrentDictionary<string, RouteStatus> ByKey { get; init; } = [];

    /// <summary>All published statuses.</summary>
    public List<PublishedStatus> Published { get; } = [];

    /// <summary>How long a publication takes.</summary>
    public TimeSpan PublicationTime { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Calls of <see cref="PublishAsync"/> that the store accepted.</summary>
    public int Publications { get; private set; }

    /// <summary>Whether the store rejects the status of a lease.</summary>
    public Func<Lease, bool> Rejects { get; set; } = _ => false;

    /// <summary>Called before the ranges of the vSwitches are published.</summary>
    public Action OnVSwitches { get; set; } = () => { };

    /// <summary>The published ranges of the vSwitches by VPC.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<Ipv4Network>> VSwitches { get; } = [];

    public ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation)
    {
        term.OnStep();
        return new(new Dictionary<string, RouteStatus>(ByKey));
    }

    public async ValueTask<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        await Task.Delay(PublicationTime, time, cancellation);
        term.OnStep();
        if (!term.IsOwn) return new StatusPublishResult(IsTermHeld: false, []);
        Publications++;
        List<string> rejected = [];
        foreach (var (lease, status) in updates)
        {
            if (Rejects(lease))
            {
                rejected.Add(lease.Key.ToString());
                continue;
            }

            if (!leases.Snapshot.Leases.Any(l => l.Key == lease.Key && l.Identity.Order == lease.Identity.Order)) continue;
            ByKey[lease.Key.ToString()] = status;
            Published.Add(new PublishedStatus(time.GetElapsedTime(began), status));
        }

        term.OnStep();
        return new StatusPublishResult(IsTermHeld: true, rejected);
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        if (!term.IsOwn) return false;
        foreach (var key in subnetKeys)
        {
            if (!leases.Snapshot.Leases.Any(lease => lease.Key.ToString() == key)) ByKey.TryRemove(key, out _);
        }

        term.OnStep();
        return true;
    }

    public ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation)
    {
        OnVSwitches();
        term.OnStep();
        if (!term.IsHeld || term.Lost.IsCancellationRequested) return new(false);
        VSwitches[vpcId] = ranges;
        term.OnStep();
        return new(true);
    }
}

/// <param name="At">Since the term began.</param>
internal sealed record PublishedStatus(TimeSpan At, RouteStatus Status);
