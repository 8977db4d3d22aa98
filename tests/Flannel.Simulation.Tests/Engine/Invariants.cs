using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Conditions that must hold after every step of a cluster whose subnet manager is etcd.</summary>
internal sealed class Invariants : ClusterInvariants<Daemon>
{
    /// <summary>The time within which a daemon must notice that it has lost its subnet: the lease time, a silent watch, a request that
    /// times out.</summary>
    public static readonly TimeSpan NoticeLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(120);

    // Without a response from etcd a node keeps the file for the lease time; otherwise it reads again within seconds.
    private static readonly TimeSpan StaleFileLimit = Daemon.LeaseTime + TimeSpan.FromSeconds(60);

    // The time of the three requests between the last read of a node without a lease and the response that gives it one.
    private static readonly TimeSpan Acquisition = TimeSpan.FromSeconds(15);

    // A node reads its clock at least every 15 s, and then notices an expiry while its machine was suspended.
    private static readonly TimeSpan ClockReadInterval = TimeSpan.FromSeconds(16);

    private static readonly TimeSpan TimerPrecision = TimeSpan.FromMilliseconds(1);

    private readonly Cluster cluster;
    private readonly HashSet<AvailableRoute> available = [];

    public Invariants(Cluster cluster) : base(cluster) => this.cluster = cluster;

    protected override TimeSpan TwoControllers => TimeSpan.FromSeconds(90);

    /// <summary>The machine has lost its subnet by an action of another party.</summary>
    public void MarkTaken(Machine machine, string reason)
    {
        MarkDisturbed(machine, reason);
        if (machine.Daemon is not { Published: { } published } daemon) return;
        // A daemon that holds the subnet again gets a new deadline for the new event.
        if (daemon.NoticeDeadline is null || IsHeld(daemon, published)) daemon.NoticeDeadline = Now + NoticeLimit;
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

    /// <summary>A daemon has written a key.</summary>
    public void Written(PutRequest put)
    {
        var key = put.Key.ToStringUtf8();
        if (!key.StartsWith(cluster.Keys.Routes, StringComparison.Ordinal)) return;
        if (RouteStatus.Parse(put.Value.Span) is { State: RouteState.Available } status)
            available.Add(new AvailableRoute(key[cluster.Keys.Routes.Length..], status.InstanceId, put.Lease));
    }

    protected override bool HoldsElection(Daemon process) =>
        cluster.Store.Find(cluster.Keys.Controller) is { } controller
        && cluster.LeaseOwners.GetValueOrDefault(controller.Lease)?.Machine == process.Machine;

    protected override bool MayEnd(Machine machine) => cluster.SharesAddress(machine);

    /// <summary>A process that starts replaces a key whose IPv6 subnet does not fit the configuration. The host may use that
    /// subnet.</summary>
    protected override bool MayRemove(Daemon process, Ipv4Network subnet) =>
        IsExpiredFor(process, subnet, Now) || (process.Published is null && !FitsConfigWithIpv6(subnet));

    protected override bool MustHold(Daemon process) => !IsSuspendedOrResuming(process) && !(Now < process.NoticeDeadline);

    protected override void BeforeCheck() => ClearTakenSubnets();

    /// <summary>A daemon that uses a subnet holds it in etcd, and its lease has not expired by its own clock.</summary>
    protected override void CheckHolding(Daemon process)
    {
        CheckHeld(process);
        CheckStaleFile(process);
    }

    protected override void OnPublished(Daemon process, Ipv4Network subnet)
    {
        if (process.Machine.ExpectedSubnet is { } kept && kept != subnet && !cluster.HasKeyAmongSubnets)
            cluster.Fail($"{process.Machine.Name} publishes {subnet} instead of its {kept}");
        if (process.LeaseDisturbance is null && IsHeld(process, subnet) && FitsConfig(subnet) && !HasAnother(process.Machine, subnet))
            process.Machine.ExpectedSubnet = subnet;
        // The process may have decided by a read from before the loss of the subnet.
        process.NoticeDeadline = IsHeld(process, subnet) || process.LeaseDisturbance is null ? null : Now + NoticeLimit;
    }

    /// <summary>A daemon publishes a subnet only after the controller has reported the route of this lease as available.</summary>
    protected override void CheckRoute(Daemon process, Ipv4Network subnet)
    {
        if (Find(subnet) is not { Lease: not 0 } pair || LeaseHolder.Of(pair) is not { Instance: { } instance } holder) return;
        if (!holder.Is(process.Machine)) return;
        if (!available.Contains(new AvailableRoute(KeyOf(subnet), instance, pair.Lease)))
            cluster.Fail($"{process.Machine.Name} publishes {subnet}, and no route of its lease {pair.Lease:x} was ever available");
    }

    /// <summary>Whether the lease has expired by the clock of the process. A process without a lease counts from its last read of the
    /// leases; a process that does not know the new lease of its subnet counts from the previous one.</summary>
    private bool IsExpiredFor(Daemon daemon, Ipv4Network subnet, TimeSpan now)
    {
        if (daemon.Published is null)
            return now - (daemon.Connection.LastResponse ?? daemon.Started) >= Daemon.LeaseTime - Acquisition;
        return Find(subnet) is { } pair && (daemon.Etcd.EndOf(pair.Lease) is not { } end || now >= end - TimerPrecision);
    }

    /// <summary>Whether etcd says that the machine may use the subnet that its file names.</summary>
    protected override bool IsUsable(Machine machine)
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

    private void CheckHeld(Daemon daemon)
    {
        if (IsSuspendedOrResuming(daemon) || daemon.Subnet is not { } subnet) return;
        if (!IsHeld(daemon, subnet) && !(Now < daemon.NoticeDeadline))
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and etcd has {Find(subnet)?.Value.ToStringUtf8() ?? "nothing"}");
        // In a restored etcd the key may be attached to an older lease.
        if (!(Now < daemon.NoticeDeadline) && Find(subnet) is { Lease: not 0 } pair
            && daemon.Etcd.EndOf(pair.Lease) is { } end && Now > end)
            cluster.Fail($"{daemon.Machine.Name} uses {subnet}, and its lease ended at {end}");
    }

    /// <summary>The file of an earlier process is removed when the machine does not hold its subnet.</summary>
    private void CheckStaleFile(Daemon daemon)
    {
        var (machine, now) = (daemon.Machine, Now);
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

    /// <summary>A process that is suspended or was just resumed cannot have noticed recent events.</summary>
    private bool IsSuspendedOrResuming(Daemon daemon) =>
        daemon.Context.IsPaused || Now < daemon.Context.ResumedFromSuspendAt + ClockReadInterval;

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
