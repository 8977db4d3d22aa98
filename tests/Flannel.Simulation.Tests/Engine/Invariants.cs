using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Node;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>What must hold after every step, whatever has happened.</summary>
internal sealed class Invariants(Cluster cluster)
{
    /// <summary>How long a daemon may take to notice that somebody took its subnet away: its lease's time, a silent watch, a request that
    /// hangs.</summary>
    public static readonly TimeSpan NoticeLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(120);

    // Of one daemon, with everything that it does at its fastest: two loops that retry, a controller's pass each second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    // A node without an answer from etcd keeps the file for a lease's time; with one, it looks again within seconds.
    private static readonly TimeSpan StaleFileLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(60);

    // A node decides by what etcd said: an answer is under way for some seconds, and an event waits until the request before it has ended.
    private static readonly TimeSpan EventDelay = TimeSpan.FromSeconds(30);

    // Between the last read from which a node without a lease counts, and the last answer before it holds one: three more requests.
    private static readonly TimeSpan Acquisition = TimeSpan.FromSeconds(15);

    // A node reads its clock every 15 s when nothing else wakes it: only then it notices an expiry during which its machine was suspended.
    private static readonly TimeSpan ClockReadInterval = TimeSpan.FromSeconds(16);

    private static readonly TimeSpan TimerPrecision = TimeSpan.FromMilliseconds(1);

    private readonly HashSet<AvailableRoute> available = [];
    private bool storeChanged = true;
    private TimeSpan twoControllersAllowedUntil;
    private TimeSpan nextCheck;

    /// <summary>The store, or which processes run.</summary>
    public void StoreChanged() => storeChanged = true;

    /// <summary>Somebody has taken the subnet away from a machine, behind its back.</summary>
    public void MarkTaken(Machine machine, string why)
    {
        MarkDisturbed(machine, why);
        if (machine.Daemon is not { Published: { } published } daemon) return;
        // What was taken away before does not count once the daemon holds the subnet again: then it has to notice another event.
        if (daemon.NoticeDeadline is null || IsHeld(daemon, published)) daemon.NoticeDeadline = cluster.Scheduler.Now + NoticeLimit;
    }

    /// <summary>Something happens to a machine's lease after which it may lose it.</summary>
    public static void MarkDisturbed(Machine machine, string why)
    {
        machine.UsableSince = null;
        // What was never published there is not remembered there.
        if (machine.Replaces is not null && machine.LastSubnet.Read() is null) machine.ExpectedSubnet = null;
        if (machine.Daemon is { } daemon) daemon.LeaseDisturbance = why;
    }

    public void ConfigChanges()
    {
        foreach (var machine in cluster.Machines) machine.ExpectedSubnet = null;
    }

    /// <summary>Somebody has ended a term behind its holder's back: until it hears of it, two may act.</summary>
    public void AllowTwoControllers() => twoControllersAllowedUntil = cluster.Scheduler.Now + TimeSpan.FromSeconds(90);

    /// <summary>A daemon ended by itself.</summary>
    public void Ended(Daemon daemon, string reason)
    {
        if (daemon.LeaseDisturbance is null && !cluster.SharesAddress(daemon.Machine))
            cluster.Fail($"{daemon.Machine.Name} ended although nobody disturbed its lease: {reason}");
    }

    /// <summary>A daemon sends a write to the cloud.</summary>
    public void CloudWrite(Daemon daemon, string action)
    {
        if (cluster.Scheduler.Now < twoControllersAllowedUntil || daemon.Context.WasPausedAfter(cluster.Scheduler.Now - TimeSpan.FromSeconds(1)))
            return;
        var controller = cluster.Store.Find(cluster.Keys.Controller);
        if (controller is null || cluster.LeaseOwners.GetValueOrDefault(controller.Lease)?.Machine != daemon.Machine)
            cluster.Fail($"{daemon.Machine.Name} sends {action} and does not hold the election");
    }

    /// <summary>A daemon has written a key.</summary>
    public void Written(PutRequest put)
    {
        var key = put.Key.ToStringUtf8();
        if (!key.StartsWith(cluster.Keys.Routes, StringComparison.Ordinal)) return;
        if (RouteStatus.Parse(put.Value.Span) is { State: RouteState.Available } status)
            available.Add(new AvailableRoute(key[cluster.Keys.Routes.Length..], status.InstanceId, put.Lease));
    }

    /// <summary>A process writes <c>subnet.env</c>.</summary>
    public void FileWritten(Daemon daemon, SubnetFileState before, SubnetEnv subnetEnv)
    {
        if (before is SubnetFileState.Present { HasExpectedMode: true } present
            && present.Content.AsSpan().SequenceEqual(subnetEnv.ToBytes()))
            cluster.Fail($"{daemon.Machine.Name} writes a subnet.env that is correct already");
        // What it publishes already it may write again: a holding that was taken back continues the one before.
        if (daemon.Published != subnetEnv.Subnet) CheckRoute(daemon, subnetEnv.Subnet);
    }

    /// <summary>A process removes <c>subnet.env</c>: never while the lease and the route are fine.</summary>
    public void FileRemoved(Daemon daemon)
    {
        var machine = daemon.Machine;
        var now = cluster.Scheduler.Now;
        if (machine.SubnetInFile is not { } subnet || machine.UsableSince is not { } since || now - since < EventDelay) return;
        // What a paused process received before the pause is old.
        if (daemon.Context.WasPausedAfter(since) || IsExpiredFor(daemon, subnet, now)) return;
        cluster.Fail($"{machine.Name} removes {subnet} from subnet.env, and etcd has said for {now - since} that it may be used");
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
        ClearTakenSubnets();
        foreach (var machine in cluster.Machines) machine.UsableSince = IsUsable(machine) ? machine.UsableSince ?? now : null;
        foreach (var daemon in cluster.Daemons)
        {
            CheckHeld(daemon, now);
            CheckStaleFile(daemon, now);
            CheckRequests(daemon, now);
        }

        CheckOverlaps();
    }

    /// <summary>After a step of a process: what it tells the host.</summary>
    private void CheckProcess(Daemon daemon)
    {
        daemon.Context.HasRun = false;
        var before = daemon.Published;
        var subnet = daemon.Published = PublishedNow(daemon);
        if (daemon.Subnet is not null && !daemon.IsReady)
            cluster.Fail($"{daemon.Machine.Name} leaves {subnet} in subnet.env and is not ready");
        if (subnet == before) return;
        storeChanged = true;
        cluster.Trace(daemon.Machine, subnet is null ? "withdraws subnet.env" : $"publishes {subnet}");
        if (subnet is null) return;
        CheckRoute(daemon, subnet.Value);
        if (daemon.Machine.ExpectedSubnet is { } kept && kept != subnet && !cluster.HasKeyAmongSubnets)
            cluster.Fail($"{daemon.Machine.Name} publishes {subnet} instead of its {kept}");
        if (daemon.LeaseDisturbance is null && IsHeld(daemon, subnet.Value) && FitsConfig(subnet.Value)
            && !HasAnother(daemon.Machine, subnet.Value))
            daemon.Machine.ExpectedSubnet = subnet;
        // By what was read before the subnet was taken away, perhaps.
        daemon.NoticeDeadline = IsHeld(daemon, subnet.Value) || daemon.LeaseDisturbance is null ? null : cluster.Scheduler.Now + NoticeLimit;
    }

    /// <summary>What another program did to the file is no decision of the daemon, and neither is a file that it keeps while it is
    /// undecided.</summary>
    private static Ipv4Network? PublishedNow(Daemon daemon)
    {
        if (daemon.Publishes) return daemon.Machine.SubnetInFile ?? daemon.Published;
        return daemon.Machine.SubnetInFile == daemon.Published ? daemon.Published : null;
    }

    /// <summary>By the process' own clock. A process that holds no lease yet counts from the last read of its leases, and one that has not
    /// heard that its subnet has a new lease counts from the lease of before.</summary>
    private bool IsExpiredFor(Daemon daemon, Ipv4Network subnet, TimeSpan now)
    {
        if (daemon.Published is null)
            return now - (daemon.Etcd.LastAnswer ?? daemon.Started) >= Daemon.LeaseTime - Acquisition;
        return Find(subnet) is { } pair && (daemon.Etcd.EndOf(pair.Lease) is not { } end || now >= end - TimerPrecision);
    }

    /// <summary>Whether etcd says that the machine may use the subnet that its file names.</summary>
    private bool IsUsable(Machine machine)
    {
        if (machine.SubnetInFile is not { } subnet || Find(subnet) is not { Lease: not 0 } pair) return false;
        if (LeaseHolder.Of(pair)?.Instance != machine.Instance || HasAnother(machine, subnet)) return false;
        var isPublished = machine.Daemon?.Published == subnet;
        var isUnderNewConfig = !IsRouted(subnet);
        return StatusOf(subnet, machine.Instance, pair.Lease)?.State switch
        {
            RouteState.Available => isPublished || !isUnderNewConfig,
            // A running node keeps the configuration that it started under, and the controller judges by the new one.
            null or RouteState.Rejected or RouteState.Conflict => isPublished && isUnderNewConfig,
            _ => false,
        };
    }

    /// <summary>The route status of one holding.</summary>
    private RouteStatus? StatusOf(Ipv4Network subnet, string instance, long etcdLease) =>
        cluster.Store.Find(cluster.Keys.Route(new SubnetKey(subnet).ToString())) is { } pair && pair.Lease == etcdLease
            && RouteStatus.Parse(pair.Value.Span) is { } status && status.SpeaksOf(subnet, instance) ? status : null;

    /// <summary>Whoever uses a subnet holds it in etcd, by a lease that its own clock says is alive.</summary>
    private void CheckHeld(Daemon daemon, TimeSpan now)
    {
        if (IsSuspendedOrResuming(daemon) || daemon.Subnet is not { } subnet) return;
        if (!IsHeld(daemon, subnet) && !(now < daemon.NoticeDeadline))
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and etcd has {Find(subnet)?.Value.ToStringUtf8() ?? "nothing"}");
        // In a restored etcd the key has the lease of that time.
        if (!(now < daemon.NoticeDeadline) && Find(subnet) is { Lease: not 0 } pair && daemon.Etcd.EndOf(pair.Lease) is { } end && now > end)
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and its lease ended at {end}");
    }

    /// <summary>It publishes a subnet only after the controller has said of this very holding that its route is available.</summary>
    private void CheckRoute(Daemon daemon, Ipv4Network subnet)
    {
        if (Find(subnet) is not { Lease: not 0 } pair || LeaseHolder.Of(pair) is not { Instance: { } instance } holder) return;
        if (!holder.Is(daemon.Machine)) return;
        if (!available.Contains(new AvailableRoute(new SubnetKey(subnet).ToString(), instance, pair.Lease)))
            cluster.Fail($"{daemon.Machine.Name} publishes {subnet}, and no route of its lease {pair.Lease:x} was ever available");
    }

    /// <summary>A file of an earlier run goes when its subnet is not the machine's any more.</summary>
    private void CheckStaleFile(Daemon daemon, TimeSpan now)
    {
        var machine = daemon.Machine;
        var isStale = daemon.Subnet is null && machine.SubnetInFile is { } subnet && !IsHeld(daemon, subnet)
            && !daemon.Context.WasPausedAfter(now);
        machine.StaleFileSince = isStale ? machine.StaleFileSince ?? now : null;
        if (now - machine.StaleFileSince > StaleFileLimit)
            cluster.Fail($"{machine.Name} leaves {machine.SubnetInFile} in subnet.env, which it has not held for {StaleFileLimit}");
    }

    /// <summary>A subnet that another node has taken need not be given back.</summary>
    private void ClearTakenSubnets()
    {
        foreach (var (key, pair) in cluster.Leases())
        {
            foreach (var machine in cluster.Machines)
            {
                if (machine.ExpectedSubnet is { } kept && kept.Overlaps(key.Subnet) && LeaseHolder.Of(pair)?.IsFoundBy(machine) != true)
                    machine.ExpectedSubnet = null;
            }
        }
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

        bool Counts(Daemon daemon) => !IsSuspendedOrResuming(daemon) && !(cluster.Scheduler.Now < daemon.NoticeDeadline);
    }

    /// <summary>It cannot have noticed yet what happened while it did not run.</summary>
    private bool IsSuspendedOrResuming(Daemon daemon) => daemon.Context.IsPaused || cluster.Scheduler.Now < daemon.Context.ResumedFromSuspendAt + ClockReadInterval;

    private bool IsHeld(Daemon daemon, Ipv4Network subnet) => Find(subnet) is { } pair && LeaseHolder.Of(pair)?.Is(daemon.Machine) == true;

    /// <summary>A reservation, such as an operator makes for a node that has a lease already.</summary>
    private bool HasAnother(Machine machine, Ipv4Network subnet) =>
        cluster.Leases().Any(lease => lease.Key.Subnet != subnet && LeaseHolder.Of(lease.Pair)?.MayBeTakenOverBy(machine) == true);

    private bool IsRouted(Ipv4Network subnet) =>
        LeaseReader.ReadConfig(cluster.Store.Find(cluster.Keys.Config)) is ConfigState.Present { Config: var config }
        && config.BackendType == FlannelContract.AliVpcBackend && SubnetAllocator.Fits(config, subnet);

    private bool FitsConfig(Ipv4Network subnet) =>
        LeaseReader.ReadConfig(cluster.Store.Find(cluster.Keys.Config)) is ConfigState.Present { Config: var config }
            && SubnetAllocator.Fits(config, subnet);

    private KeyValue? Find(Ipv4Network subnet) => cluster.Store.Find(cluster.Keys.Lease(new SubnetKey(subnet)));

    /// <param name="EtcdLease">Tells this holding of the subnet from all others.</param>
    private sealed record AvailableRoute(string SubnetKey, string Instance, long EtcdLease);
}
