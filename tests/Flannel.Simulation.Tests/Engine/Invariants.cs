using Flannel.Core.Leases;
using Flannel.Etcd.Leasing;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>What must hold after every step, whatever has happened.</summary>
internal sealed class Invariants(Cluster cluster)
{
    // Its lease's life, a silent watch, a request that hangs, and some.
    public static readonly TimeSpan Notice = Daemon.LeaseTime + TimeSpan.FromSeconds(120);

    // Of one daemon, with everything that it does at its fastest: two loops that try again, a controller's round each second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    private bool storeChanged = true;
    private TimeSpan controllersExcused;
    private TimeSpan nextLook;

    public void Look() => storeChanged = true;

    /// <summary>Somebody has taken the subnet away from a daemon, behind its back.</summary>
    public void Doom(Daemon daemon, string why)
    {
        daemon.Disturbance = why;
        if (daemon.Belief is { } belief) belief.Doomed ??= cluster.Scheduler.Now + Notice;
    }

    /// <summary>Somebody has ended a term behind its holder's back: until it hears of it, there are two that act.</summary>
    public void ExcuseControllers() => controllersExcused = cluster.Scheduler.Now + TimeSpan.FromSeconds(90);

    public void Confirmed(Daemon daemon)
    {
        storeChanged = true;
        // By what was read before it was taken away, perhaps.
        if (!Stands(daemon) && daemon.Disturbance is not null) daemon.Belief!.Doomed = cluster.Scheduler.Now + Notice;
    }

    public void Lost(Daemon daemon, SubnetKey claim, LeaseEvent.Lost lost)
    {
        var pair = cluster.Store.Find(cluster.Keys.Lease(claim));
        if (daemon.Disturbance is null)
            cluster.Fail($"{daemon.Machine.Name} lost {claim} for no reason: {lost.Loss}, {lost.Reason}; etcd has {pair?.Value.ToStringUtf8() ?? "nothing"}");
    }

    public void Check()
    {
        var now = cluster.Scheduler.Now;
        if (!storeChanged && now < nextLook) return;
        storeChanged = false;
        nextLook = now + TimeSpan.FromSeconds(1);
        foreach (var daemon in cluster.Daemons)
        {
            if (daemon.Context.IsPaused || daemon.Belief is not { } belief || Stands(daemon)) continue;
            if (belief.Doomed is { } until && now < until) continue;
            cluster.Fail($"{daemon.Machine.Name} uses {belief.Key}, and etcd has {Value(belief.Key)}");
        }

        foreach (var daemon in cluster.Daemons)
        {
            if (daemon.Etcd.Requests > RequestsAtOnce + RequestsPerSecond * (now - daemon.Started).TotalSeconds)
                cluster.Fail($"{daemon.Machine.Name} has made {daemon.Etcd.Requests} requests in {now - daemon.Started}");
        }

        foreach (var one in cluster.Daemons)
        {
            if (one.Belief is not { Doomed: null } first || one.Context.IsPaused) continue;
            foreach (var other in cluster.Daemons)
            {
                if (other == one || other.Belief is not { Doomed: null } second || other.Context.IsPaused) continue;
                if (first.Key.Subnet.Overlaps(second.Key.Subnet))
                    cluster.Fail($"{one.Machine.Name} uses {first.Key}, {other.Machine.Name} uses {second.Key}");
            }
        }

        var acting = cluster.Daemons.Where(daemon => daemon.ActsAsController && !daemon.Context.IsPaused).ToList();
        if (acting.Count > 1 && now > controllersExcused)
            cluster.Fail($"controllers: {string.Join(", ", acting.Select(daemon => $"{daemon.Machine.Name} since {daemon.Term!.Revision}"))}");
    }

    private bool Stands(Daemon daemon) =>
        cluster.Store.Find(cluster.Keys.Lease(daemon.Belief!.Key)) is { } pair
        && LeaseAttributes.Parse(pair.Value.Span, out _)?.PublicIp == daemon.Machine.PublicIp;

    private string Value(SubnetKey key) => cluster.Store.Find(cluster.Keys.Lease(key))?.Value.ToStringUtf8() ?? "nothing there";
}
