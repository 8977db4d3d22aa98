using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Leasing;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>What must hold after every step, whatever has happened.</summary>
internal sealed class Invariants(Cluster cluster)
{
    /// <summary>How long a daemon may take to notice that somebody took its subnet away: its lease's time, a silent watch, a request that hangs.</summary>
    public static readonly TimeSpan Notice = Daemon.LeaseTime + TimeSpan.FromSeconds(120);

    // Of one daemon, with everything that it does at its fastest: two loops that retry, a controller's pass each second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    private bool storeChanged = true;
    private TimeSpan controllersExcused;
    private TimeSpan nextCheck;

    public void StoreChanged() => storeChanged = true;

    /// <summary>Somebody has taken the subnet away from a machine, behind its back.</summary>
    public void Doom(Machine machine, string why)
    {
        Disturb(machine, why);
        if (machine.Daemon is { Subnet: not null } daemon) daemon.Doomed ??= cluster.Scheduler.Now + Notice;
    }

    /// <summary>Something happens to a machine's lease after which it may lose it.</summary>
    public static void Disturb(Machine machine, string why)
    {
        machine.Kept = null;
        if (machine.Daemon is { } daemon) daemon.Disturbance = why;
    }

    public void ConfigChanges()
    {
        foreach (var machine in cluster.Machines) machine.Kept = null;
    }

    /// <summary>Somebody has ended a term behind its holder's back: until it hears of it, two may act.</summary>
    public void ExcuseControllers() => controllersExcused = cluster.Scheduler.Now + TimeSpan.FromSeconds(90);

    /// <summary>A daemon ended by itself.</summary>
    public void Ended(Daemon daemon, string reason)
    {
        if (daemon.Disturbance is null) cluster.Fail($"{daemon.Machine.Name} ended although nobody disturbed its lease: {reason}");
    }

    /// <summary>A daemon sends a write to the cloud.</summary>
    public void CloudWrite(Daemon daemon, string action)
    {
        if (cluster.Scheduler.Now < controllersExcused || daemon.Context.WasPausedAfter(cluster.Scheduler.Now - TimeSpan.FromSeconds(1))) return;
        var controller = cluster.Store.Find(cluster.Keys.Controller);
        if (controller is null || cluster.LeaseOwners.GetValueOrDefault(controller.Lease)?.Machine != daemon.Machine)
            cluster.Fail($"{daemon.Machine.Name} sends {action} and does not hold the election");
    }

    public void Check()
    {
        foreach (var daemon in cluster.Daemons)
        {
            if (daemon.Context.HasRun) CheckProcess(daemon);
        }

        var now = cluster.Scheduler.Now;
        if (!storeChanged && now < nextCheck) return;
        storeChanged = false;
        nextCheck = now + TimeSpan.FromSeconds(1);
        foreach (var daemon in cluster.Daemons)
        {
            CheckHeld(daemon, now);
            CheckRequests(daemon, now);
        }

        CheckOverlaps();
    }

    /// <summary>After a step of a process: what it tells the host.</summary>
    private void CheckProcess(Daemon daemon)
    {
        daemon.Context.HasRun = false;
        var before = daemon.Subnet;
        daemon.Machine.ReadFile();
        var subnet = daemon.Subnet;
        if (subnet is not null && !daemon.IsReady) cluster.Fail($"{daemon.Machine.Name} leaves {subnet} in subnet.env and is not ready");
        if (subnet == before) return;
        storeChanged = true;
        cluster.Trace(daemon.Machine, subnet is null ? "withdraws subnet.env" : $"publishes {subnet}");
        if (subnet is null) return;
        if (daemon.Machine.Kept is { } kept && kept != subnet) cluster.Fail($"{daemon.Machine.Name} publishes {subnet} instead of its {kept}");
        if (daemon.Disturbance is null && IsHeld(daemon, subnet.Value) && FitsConfig(subnet.Value)) daemon.Machine.Kept = subnet;
        // By what was read before the subnet was taken away, perhaps.
        daemon.Doomed = IsHeld(daemon, subnet.Value) || daemon.Disturbance is null ? null : cluster.Scheduler.Now + Notice;
    }

    /// <summary>Whoever uses a subnet holds it in etcd, by a lease that its own clock says is alive.</summary>
    private void CheckHeld(Daemon daemon, TimeSpan now)
    {
        if (daemon.Context.IsPaused || daemon.Subnet is not { } subnet) return;
        if (!IsHeld(daemon, subnet) && !(now < daemon.Doomed))
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and etcd has {Find(subnet)?.Value.ToStringUtf8() ?? "nothing"}");
        if (Find(subnet) is { Lease: not 0 } pair && daemon.Etcd.EndOf(pair.Lease) is { } end && now > end)
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and its lease ended at {end}");
    }

    private void CheckRequests(Daemon daemon, TimeSpan now)
    {
        if (daemon.Etcd.Requests > RequestsAtOnce + RequestsPerSecond * (now - daemon.Started).TotalSeconds)
            cluster.Fail($"{daemon.Machine.Name} has made {daemon.Etcd.Requests} requests in {now - daemon.Started}");
    }

    private void CheckOverlaps()
    {
        for (var i = 0; i < cluster.Daemons.Count; i++)
        {
            for (var j = 0; j < i; j++) CheckOverlap(cluster.Daemons[i], cluster.Daemons[j]);
        }
    }

    private void CheckOverlap(Daemon one, Daemon other)
    {
        if (!Counts(one) || !Counts(other)) return;
        if (one.Subnet is { } first && other.Subnet is { } second && first.Overlaps(second))
            cluster.Fail($"{one.Machine.Name} uses {first}, {other.Machine.Name} uses {second}");

        bool Counts(Daemon daemon) => !daemon.Context.IsPaused && !(cluster.Scheduler.Now < daemon.Doomed);
    }

    private bool IsHeld(Daemon daemon, Ipv4Network subnet) => Find(subnet) is { } pair && Holder.Of(pair)?.Is(daemon.Machine) == true;

    private bool FitsConfig(Ipv4Network subnet) =>
        LeaseReader.ReadConfig(cluster.Store.Find(cluster.Keys.Config)) is ConfigState.Present { Config: var config } && SubnetChoice.Fits(config, subnet);

    private KeyValue? Find(Ipv4Network subnet) => cluster.Store.Find(cluster.Keys.Lease(new SubnetKey(subnet)));
}
