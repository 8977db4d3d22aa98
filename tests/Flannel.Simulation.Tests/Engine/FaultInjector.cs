using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Model;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The faults of a cluster whose subnet manager is etcd.</summary>
internal sealed class FaultInjector : ClusterFaults<Daemon>
{
    private readonly Cluster cluster;
    private readonly Scheduler scheduler;
    private readonly Configurations configurations;
    private readonly StoreSnapshot empty;
    private bool isRestored;
    private StoreSnapshot? snapshot;

    public FaultInjector(Cluster cluster) : base(cluster)
    {
        this.cluster = cluster;
        scheduler = cluster.Scheduler;
        configurations = Configurations.Any(scheduler.Random, cluster.HasClones);
        if (cluster.IsDualStack) configurations = configurations.WithIpv6();
        empty = cluster.Store.Snapshot();
        Choose(
        [
            .. Common, RestartEtcd, LoseQuorum, TakeSnapshot, TakeSnapshot, Restore, Compact,
            Empty, FillDisk, CloudOutage, DeleteLease, RevokeLease, DeleteController, Overwrite, Reserve, Reserve, JoinUpstream,
            JoinUpstream, WriteInvalidKey,
            ChangeConfig, ChangeConditions, ChangeConditions, NewMachine, ChangeAddress, ChangeAddress, Replace, ChangeFile, ChangeFile,
        ]);
    }

    public override void Begin()
    {
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), Any(configurations.Initial));
        Begin(cluster.Machines.Skip(1));
    }

    protected override void RepairStore()
    {
        cluster.Store.NoSpace = false;
        StartStore();
        cluster.Invariants.ConfigChanges();
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), configurations.Final);
        DeleteLeasesWithoutOwner();
        if (isRestored) RemoveRoutesOfLostCluster();
    }

    /// <summary>A node that started with backend alloc keeps it until it restarts.</summary>
    protected override void RestartProcesses()
    {
        foreach (var (_, pair) in cluster.Leases())
        {
            if (LeaseHolder.Of(pair) is { Instance: null }) cluster.OwnerOf(pair)?.Daemon?.Stop();
        }
    }

    protected override void RestartStore() => cluster.Store.Restart();

    protected override ClusterId? ReadClusterId() =>
        cluster.Store.Find(cluster.Keys.Cluster) is { } pair ? ClusterId.ParseJson(pair.Value.Span) : null;

    protected override IEnumerable<LeasedRoute> LeasedRoutes() =>
        cluster.Leases().Select(lease => new LeasedRoute(lease.Key.Subnet.ToString(), LeaseHolder.Of(lease.Pair)?.Instance));

    protected override void ChangeStoreConditions() => cluster.Conditions.Duplicated = RandomProbability(0.5);

    /// <summary>The instance gets another address.</summary>
    private void ChangeAddress()
    {
        if (AnyProcess() is not { Machine.IsAddressByHand: false } daemon) return;
        cluster.Kill(daemon);
        cluster.ChangeAddress(daemon.Machine);
        cluster.Trace(daemon.Machine, $"has the address {daemon.Machine.PublicIp}");
        cluster.StartLater(daemon.Machine, RandomDuration(), withSubnetFile: scheduler.Chance(0.5));
    }

    /// <summary>The instance is released, and a new instance gets its address.</summary>
    private void Replace()
    {
        if (AnyProcess() is not { Machine.IsAddressByHand: false } daemon) return;
        cluster.Kill(daemon);
        var replacement = cluster.Replace(daemon.Machine);
        cluster.Trace(daemon.Machine, $"is replaced by {replacement.Name}");
        cluster.StartLater(replacement, RandomDuration());
    }

    private void RestartEtcd() => StopStore(scheduler.Between(0.1, 5));

    private void LoseQuorum() => StopStore(RandomDuration());

    private void TakeSnapshot() => snapshot = cluster.Store.Snapshot();

    private void Restore()
    {
        if (snapshot is not null) Restore(snapshot);
    }

    /// <summary>etcd is replaced by an empty one; often an operator writes the configuration again.</summary>
    private void Empty()
    {
        cluster.Store.NoSpace = false;
        Restore(empty);
        if (scheduler.Chance(0.7)) cluster.Put(cluster.Keys.Config.ToStringUtf8(), Any(configurations.Initial));
    }

    private void Restore(StoreSnapshot target)
    {
        scheduler.Trace("operator", "restores", target.Revision);
        isRestored = true;
        cluster.Invariants.AllowTwoControllers();
        foreach (var machine in cluster.Machines)
        {
            cluster.Invariants.MarkTaken(machine, "etcd was restored");
            // The machine may get the subnet that it had at the time of the snapshot.
            machine.ExpectedSubnet = null;
        }

        cluster.Store.Restore(target);
    }

    private void Compact()
    {
        var oldest = cluster.Store.CompactedAt + 1;
        if (oldest > cluster.Store.Revision) return;
        scheduler.Trace("operator", "compacts");
        cluster.Store.Compact(scheduler.Chance(0.5)
            ? cluster.Store.Revision : scheduler.Random.NextInt64(oldest, cluster.Store.Revision + 1));
    }

    private void FillDisk()
    {
        cluster.Store.NoSpace = true;
        scheduler.After(RandomDuration(), () => cluster.Store.NoSpace = false);
    }

    private KeyValue? AnyLease()
    {
        var found = cluster.Store.Pairs.Where(pair => pair.Key.ToStringUtf8().StartsWith(cluster.Keys.Subnets, StringComparison.Ordinal))
            .ToList();
        return found.Count == 0 || cluster.Conditions.ClusterDown ? null : found[scheduler.Random.Next(found.Count)];
    }

    private void MarkTaken(KeyValue pair, string reason)
    {
        if (cluster.OwnerOf(pair) is { } owner) cluster.Invariants.MarkTaken(owner, reason);
    }

    private void DeleteLease()
    {
        if (AnyLease() is not { } pair) return;
        MarkTaken(pair, "an operator deleted the key");
        cluster.Delete(pair.Key);
    }

    private void RevokeLease()
    {
        if (AnyLease() is not { Lease: > 0 } pair) return;
        scheduler.Trace("operator", $"revokes {pair.Key.ToStringUtf8()}");
        foreach (var attached in cluster.Store.Pairs.Where(other => other.Lease == pair.Lease))
            MarkTaken(attached, "an operator revoked the lease");
        cluster.Store.Revoke(pair.Lease);
    }

    private void DeleteController()
    {
        if (cluster.Conditions.ClusterDown) return;
        cluster.Invariants.AllowTwoControllers();
        cluster.Delete(cluster.Keys.Controller);
    }

    /// <summary>Overwrites a lease without a compare-and-swap, as the renewal of upstream flannel or an operator does.</summary>
    private void Overwrite()
    {
        if (cluster.Store.NoSpace || AnyLease() is not { } pair) return;
        MarkTaken(pair, "an upstream node wrote over the key");
        var id = cluster.Store.Grant(scheduler.Random.NextInt64(1, long.MaxValue), Daemon.LeaseTime).ID;
        cluster.Put(pair.Key.ToStringUtf8(), """{"PublicIP":"192.168.9.9","BackendType":"vxlan"}""", scheduler.Chance(0.7) ? id : 0);
    }

    /// <summary>Reserves a free subnet for a node of the cluster or for another address.</summary>
    private void Reserve()
    {
        if (FreeSubnet() is not { } subnet) return;
        var machine = Any(cluster.Machines);
        var publicIp = scheduler.Chance(0.8) ? machine.PublicIp : Ipv4Address.Parse("192.168.0.99");
        foreach (var reserved in cluster.Machines.Where(other => other.PublicIp == publicIp)) reserved.ExpectedSubnet = null;
        cluster.Put(cluster.Keys.Subnets + new SubnetKey(subnet), $$"""{"PublicIP":"{{publicIp}}","BackendType":"ali-vpc"}""");
    }

    /// <summary>A node of upstream flannel leases a free subnet and lets it expire.</summary>
    private void JoinUpstream()
    {
        if (FreeSubnet() is not { } subnet) return;
        var id = cluster.Store.Grant(scheduler.Random.NextInt64(1, long.MaxValue), Daemon.LeaseTime).ID;
        cluster.Put(cluster.Keys.Subnets + new SubnetKey(subnet), """{"PublicIP":"192.168.9.8","BackendType":"vxlan"}""", id);
    }

    /// <summary>A subnet that overlaps no key; often overlaps the last subnet of a machine, which the machine prefers at its next
    /// start.</summary>
    private Ipv4Network? FreeSubnet()
    {
        if (cluster.Conditions.ClusterDown || cluster.Store.NoSpace) return null;
        var network = Ipv4Network.Parse(configurations.Network);
        var length = Any(configurations.ReservedLengths);
        var address = network.Address.Value | (uint)scheduler.Random.NextInt64(1L << (32 - network.Length));
        if (scheduler.Chance(0.5) && Any(cluster.Machines).SubnetInFile is { } used)
            address = used.Address.Value | (address & (used.Last.Value - used.Address.Value));
        var subnet = new Ipv4Network(new Ipv4Address(address), length);
        return cluster.Leases().Any(lease => lease.Key.Subnet.Overlaps(subnet)) ? null : subnet;
    }

    private void DeleteLeasesWithoutOwner()
    {
        foreach (var (_, pair) in cluster.Leases().Where(lease => cluster.OwnerOf(lease.Pair) is null).ToList()) cluster.Delete(pair.Key);
    }

    private void WriteInvalidKey()
    {
        if (cluster.Conditions.ClusterDown || cluster.Store.NoSpace) return;
        cluster.Put(cluster.Keys.Subnets + (scheduler.Chance(0.5) ? "hello" : Cluster.KeyAmongSubnets), "{", 0);
    }

    private void ChangeConfig()
    {
        if (cluster.Conditions.ClusterDown || cluster.Store.NoSpace) return;
        cluster.Invariants.ConfigChanges();
        if (scheduler.Chance(0.2)) cluster.Delete(cluster.Keys.Config);
        else cluster.Put(cluster.Keys.Config.ToStringUtf8(), Any(configurations.Others));
    }

    private void NewMachine() => cluster.StartLater(cluster.Machines[0], TimeSpan.Zero, scheduler.Chance(0.5));
}
