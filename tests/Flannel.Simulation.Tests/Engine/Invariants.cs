using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Host;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Conditions that must hold after every step.</summary>
internal sealed class Invariants(Cluster cluster)
{
    /// <summary>The time within which a daemon must notice that it has lost its subnet: the lease time, a silent watch, a request that
    /// times out.</summary>
    public static readonly TimeSpan NoticeLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(120);

    // Limits for one daemon with two loops that retry and one pass of the controller per second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    // Without a response from etcd a node keeps the file for the lease time; otherwise it reads again within seconds.
    private static readonly TimeSpan StaleFileLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(60);

    // A response takes up to some seconds, and an event waits for the end of the preceding request.
    private static readonly TimeSpan EventDelay = TimeSpan.FromSeconds(30);

    // The time of the three requests between the last read of a node without a lease and the response that gives it one.
    private static readonly TimeSpan Acquisition = TimeSpan.FromSeconds(15);

    // A node reads its clock at least every 15 s, and then notices an expiry while its machine was suspended.
    private static readonly TimeSpan ClockReadInterval = TimeSpan.FromSeconds(16);

    private static readonly TimeSpan TimerPrecision = TimeSpan.FromMilliseconds(1);

    private readonly HashSet<AvailableRoute> available = [];
    private bool storeChanged = true;
    private TimeSpan twoControllersAllowedUntil;
    private TimeSpan nextCheck;

    /// <summary>The store or the set of running processes has changed.</summary>
    public void StoreChanged() => storeChanged = true;

    /// <summary>The machine has lost its subnet by an action of another party.</summary>
    public void MarkTaken(Machine machine, string reason)
    {
        MarkDisturbed(machine, reason);
        if (machine.Daemon is not { Published: { } published } daemon) return;
        // A daemon that holds the subnet again gets a new deadline for the new event.
        if (daemon.NoticeDeadline is null || IsHeld(daemon, published)) daemon.NoticeDeadline = cluster.Scheduler.Now + NoticeLimit;
    }

    /// <summary>An action on the lease of the machine after which the machine may lose it.</summary>
    public static void MarkDisturbed(Machine machine, string reason)
    {
        machine.UsableSince = null;
        // A subnet that this instance has never published is not in its state file.
        if (machine.Replaces is not null && machine.LastSubnet.Read() is null) machine.ExpectedSubnet = null;
        if (machine.Daemon is { } daemon) daemon.LeaseDisturbance = reason;
    }

    public void ConfigChanges()
    {
        foreach (var machine in cluster.Machines) machine.ExpectedSubnet = null;
    }

    /// <summary>Another party has ended the term of the controller: until it notices, two controllers may act.</summary>
    public void AllowTwoControllers() => twoControllersAllowedUntil = cluster.Scheduler.Now + TimeSpan.FromSeconds(90);

    /// <summary>A daemon ended by itself.</summary>
    public void Ended(Daemon daemon, string reason)
    {
        if (daemon.LeaseDisturbance is null && !cluster.SharesAddress(daemon.Machine))
            cluster.Fail($"{daemon.Machine.Name} ended although its lease was not disturbed: {reason}");
    }

    /// <summary>A daemon sends a write to the cloud.</summary>
    public void CloudWrite(Daemon daemon, string action)
    {
        if (cluster.Scheduler.Now < twoControllersAllowedUntil
            || daemon.Context.WasPausedAfter(cluster.Scheduler.Now - TimeSpan.FromSeconds(1)))
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
        // A published subnet may be written again: a lease that was taken back continues the previous one.
        if (daemon.Published != subnetEnv.Subnet) CheckRoute(daemon, subnetEnv.Subnet);
    }

    /// <summary>A process removes <c>subnet.env</c>: never while the lease and the route are fine.</summary>
    public void FileRemoved(Daemon daemon)
    {
        var machine = daemon.Machine;
        var now = cluster.Scheduler.Now;
        if (machine.SubnetInFile is not { } subnet || machine.UsableSince is not { } since || now - since < EventDelay) return;
        // A paused process may act on a response from before the pause.
        if (daemon.Context.WasPausedAfter(since) || IsExpiredFor(daemon, subnet, now)) return;
        // A process that starts replaces a key whose IPv6 subnet does not fit the configuration. The host may use that subnet.
        if (daemon.Published is null && !FitsConfigWithIpv6(subnet)) return;
        cluster.Fail($"{machine.Name} removes {subnet} from subnet.env, which it may use by etcd since {now - since}");
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

    /// <summary>Checks what the process publishes to the host after a step.</summary>
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
        // The process may have decided by a read from before the loss of the subnet.
        daemon.NoticeDeadline = IsHeld(daemon, subnet.Value)
            || daemon.LeaseDisturbance is null ? null : cluster.Scheduler.Now + NoticeLimit;
    }

    /// <summary>Ignores changes by another program, and a file that the daemon keeps while it does not know whether it holds the
    /// subnet.</summary>
    private static Ipv4Network? PublishedNow(Daemon daemon)
    {
        if (daemon.Publishes) return daemon.Machine.SubnetInFile ?? daemon.Published;
        return daemon.Machine.SubnetInFile == daemon.Published ? daemon.Published : null;
    }

    /// <summary>Whether the lease has expired by the clock of the process. A process without a lease counts from its last read of the
    /// leases; a process that does not know the new lease of its subnet counts from the previous one.</summary>
    private bool IsExpiredFor(Daemon daemon, Ipv4Network subnet, TimeSpan now)
    {
        if (daemon.Published is null)
            return now - (daemon.Etcd.LastResponse ?? daemon.Started) >= Daemon.LeaseTime - Acquisition;
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
            // A running node keeps the configuration of its start; the controller uses the new one.
            null or RouteState.Rejected or RouteState.Conflict => isPublished && isUnderNewConfig,
            _ => false,
        };
    }

    /// <summary>The route status of one holding.</summary>
    private RouteStatus? StatusOf(Ipv4Network subnet, string instance, long etcdLease) =>
        cluster.Store.Find(cluster.Keys.Route(KeyOf(subnet))) is { } pair && pair.Lease == etcdLease
            && RouteStatus.Parse(pair.Value.Span) is { } status && status.IsFor(subnet, instance) ? status : null;

    /// <summary>A daemon that uses a subnet holds it in etcd, and its lease has not expired by its own clock.</summary>
    private void CheckHeld(Daemon daemon, TimeSpan now)
    {
        if (IsSuspendedOrResuming(daemon) || daemon.Subnet is not { } subnet) return;
        if (!IsHeld(daemon, subnet) && !(now < daemon.NoticeDeadline))
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and etcd has {Find(subnet)?.Value.ToStringUtf8() ?? "nothing"}");
        // In a restored etcd the key may be attached to an older lease.
        if (!(now < daemon.NoticeDeadline) && Find(subnet) is { Lease: not 0 } pair
            && daemon.Etcd.EndOf(pair.Lease) is { } end && now > end)
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and its lease ended at {end}");
    }

    /// <summary>A daemon publishes a subnet only after the controller has reported the route of this lease as available.</summary>
    private void CheckRoute(Daemon daemon, Ipv4Network subnet)
    {
        if (Find(subnet) is not { Lease: not 0 } pair || LeaseHolder.Of(pair) is not { Instance: { } instance } holder) return;
        if (!holder.Is(daemon.Machine)) return;
        if (!available.Contains(new AvailableRoute(KeyOf(subnet), instance, pair.Lease)))
            cluster.Fail($"{daemon.Machine.Name} publishes {subnet}, and no route of its lease {pair.Lease:x} was ever available");
    }

    /// <summary>The file of an earlier process is removed when the machine does not hold its subnet.</summary>
    private void CheckStaleFile(Daemon daemon, TimeSpan now)
    {
        var machine = daemon.Machine;
        var isStale = daemon.Subnet is null && machine.SubnetInFile is { } subnet && !IsHeld(daemon, subnet)
            && !daemon.Context.WasPausedAfter(now);
        machine.StaleFileSince = isStale ? machine.StaleFileSince ?? now : null;
        if (now - machine.StaleFileSince > StaleFileLimit)
            cluster.Fail($"{machine.Name} leaves {machine.SubnetInFile} in subnet.env, which it has not held for {StaleFileLimit}");
    }

    /// <summary>A machine need not get a subnet again that another node has leased.</summary>
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

    /// <summary>A process that is suspended or was just resumed cannot have noticed recent events.</summary>
    private bool IsSuspendedOrResuming(Daemon daemon) =>
        daemon.Context.IsPaused || cluster.Scheduler.Now < daemon.Context.ResumedFromSuspendAt + ClockReadInterval;

    private bool IsHeld(Daemon daemon, Ipv4Network subnet) => Find(subnet) is { } pair && LeaseHolder.Of(pair)?.Is(daemon.Machine) == true;

    /// <summary>Whether the machine has another lease or a reservation.</summary>
    private bool HasAnother(Machine machine, Ipv4Network subnet) =>
        cluster.Leases().Any(lease => lease.Key.Subnet != subnet && LeaseHolder.Of(lease.Pair)?.MayBeTakenOverBy(machine) == true);

    private bool IsRouted(Ipv4Network subnet) =>
        cluster.Config?.BackendType == FlannelContract.AliVpcBackend && FitsConfig(subnet);

    private bool FitsConfig(Ipv4Network subnet) => cluster.Config is { } config && SubnetAllocator.Fits(config, subnet);

    private bool FitsConfigWithIpv6(Ipv4Network subnet) =>
        cluster.Config is { } config && SubnetKey.TryParse(KeyOf(subnet), out var key) && SubnetAllocator.Fits(config, key);

    private KeyValue? Find(Ipv4Network subnet) => cluster.Store.Find(cluster.Keys.Lease(new SubnetKey(subnet)))
        ?? (cluster.IsDualStack ? cluster.Leases().FirstOrDefault(lease => lease.Key.Subnet == subnet)?.Pair : null);

    /// <summary>The last part of the key of the subnet's lease, with its IPv6 subnet if it has one.</summary>
    private string KeyOf(Ipv4Network subnet) =>
        Find(subnet) is { } pair ? pair.Key.ToStringUtf8()[cluster.Keys.Subnets.Length..] : new SubnetKey(subnet).ToString();

    /// <param name="EtcdLease">Tells apart several leases of the same subnet.</param>
    private sealed record AvailableRoute(string SubnetKey, string Instance, long EtcdLease);
}
