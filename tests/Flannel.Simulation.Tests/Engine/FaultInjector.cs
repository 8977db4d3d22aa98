using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Model;
using Flannel.RouteController.Planning;
using Flanneld.Node;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Injects faults and actions of operators into a history. Each history uses a random subset of them with random
/// weights.</summary>
internal sealed class FaultInjector
{
    private static readonly TimeSpan RouteCleanup = TimeSpan.FromSeconds(10);

    private readonly Cluster cluster;
    private readonly Scheduler scheduler;
    private readonly List<(int Weight, Action Inject)> faults = [];
    private readonly double longestPause;
    private readonly Configurations configurations;
    private readonly StoreSnapshot empty;
    private bool ended;
    private bool isRestored;
    private StoreSnapshot? snapshot;

    public FaultInjector(Cluster cluster)
    {
        this.cluster = cluster;
        scheduler = cluster.Scheduler;
        longestPause = scheduler.Between(2, 30).TotalSeconds;
        configurations = Configurations.Any(scheduler.Random, cluster.HasClones);
        if (cluster.IsDualStack) configurations = configurations.WithIpv6();
        empty = cluster.Store.Snapshot();
        Action[] all =
        [
            Crash, Crash, Stop, Isolate, Isolate, IsolateAll, Pause, Suspend, SetWallClock, RestartEtcd, LoseQuorum, TakeSnapshot,
            TakeSnapshot, Restore, Compact,
            Empty, FillDisk, CloudOutage, DeleteLease, RevokeLease, DeleteController, Overwrite, Reserve, Reserve, JoinUpstream,
            JoinUpstream, WriteInvalidKey,
            ChangeConfig, ChangeConditions, ChangeConditions, NewMachine, ChangeAddress, ChangeAddress, Replace, ChangeFile, ChangeFile,
        ];
        foreach (var inject in all)
        {
            if (scheduler.Chance(0.5)) faults.Add((1 + scheduler.Random.Next(4), inject));
        }
    }

    public void Begin()
    {
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), Any(configurations.Initial));
        ChangeConditions();
        foreach (var machine in cluster.Machines.Skip(1))
            cluster.StartLater(machine, scheduler.Between(0, scheduler.Chance(0.5) ? 0.1 : 20));
        Next();
    }

    /// <summary>Ends all faults and undoes what the history needs undone to converge.</summary>
    public void End()
    {
        ended = true;
        scheduler.Trace("faults", "end");
        cluster.Conditions.Clear();
        cluster.Store.NoSpace = false;
        if (cluster.Conditions.ClusterDown) StartEtcd();
        cluster.Invariants.ConfigChanges();
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), configurations.Final);
        DeleteLeasesWithoutOwner();
        if (isRestored) RemoveRoutesOfLostCluster();
        foreach (var machine in cluster.Machines)
        {
            machine.IsIsolated = false;
            machine.Daemon?.Etcd.Reconnect();
            machine.Daemon?.Context.Resume();
            if (machine.Daemon is null) cluster.StartLater(machine, scheduler.Between(0, 2));
        }

        // A node that started with backend alloc keeps it until it restarts.
        foreach (var (_, pair) in cluster.Leases())
        {
            if (LeaseHolder.Of(pair) is { Instance: null }) cluster.OwnerOf(pair)?.Daemon?.Stop();
        }

        scheduler.Settle();
    }

    private void Next()
    {
        if (ended) return;
        scheduler.After(scheduler.Between(0.01, longestPause), () =>
        {
            if (ended) return;
            if (faults.Count > 0)
            {
                var position = scheduler.Random.Next(faults.Sum(fault => fault.Weight));
                foreach (var (weight, inject) in faults)
                {
                    if ((position -= weight) >= 0) continue;
                    inject();
                    break;
                }
            }

            Next();
        });
    }

    private T Any<T>(IReadOnlyList<T> list) => list[scheduler.Random.Next(list.Count)];

    private Daemon? AnyDaemon() => cluster.Daemons.Count == 0 ? null : cluster.Daemons[scheduler.Random.Next(cluster.Daemons.Count)];

    private TimeSpan RandomDuration() => scheduler.Chance(0.5) ? scheduler.Between(0, 12) : scheduler.Between(10, 150);

    private void Crash()
    {
        if (AnyDaemon() is not { } daemon) return;
        cluster.Trace(daemon.Machine, "crashes");
        cluster.Kill(daemon);
        cluster.StartLater(daemon.Machine, RandomDuration(), withSubnetFile: scheduler.Chance(0.6));
    }

    /// <summary>The instance gets another address.</summary>
    private void ChangeAddress()
    {
        if (AnyDaemon() is not { Machine.IsAddressByHand: false } daemon) return;
        cluster.Kill(daemon);
        cluster.ChangeAddress(daemon.Machine);
        cluster.Trace(daemon.Machine, $"has the address {daemon.Machine.PublicIp}");
        cluster.StartLater(daemon.Machine, RandomDuration(), withSubnetFile: scheduler.Chance(0.5));
    }

    /// <summary>The instance is released, and a new instance gets its address.</summary>
    private void Replace()
    {
        if (AnyDaemon() is not { Machine.IsAddressByHand: false } daemon) return;
        cluster.Kill(daemon);
        var replacement = cluster.Replace(daemon.Machine);
        cluster.Trace(daemon.Machine, $"is replaced by {replacement.Name}");
        cluster.StartLater(replacement, RandomDuration());
    }

    /// <summary>Another program deletes or changes subnet.env; the daemon must restore it within its reconcile interval.</summary>
    private void ChangeFile()
    {
        if (AnyDaemon() is not { Context.IsPaused: false } daemon) return;
        var changedAt = scheduler.Now;
        var machine = daemon.Machine;
        cluster.Trace(machine, "has its subnet.env changed");
        if (scheduler.Chance(0.5)) machine.SubnetFile.Remove();
        else machine.OverwriteFile();
        machine.ReadFile();
        machine.FileChangedAt = changedAt;
        scheduler.After(HostReconciler.Interval + TimeSpan.FromMilliseconds(1), () =>
        {
            if (machine.Daemon == daemon && machine.FileChangedAt == changedAt && daemon.IsReady && daemon.Subnet is null
                && !daemon.Context.WasPausedAfter(changedAt))
                cluster.Fail($"{machine.Name} is ready without subnet.env");
        });
    }

    private void Stop()
    {
        if (AnyDaemon() is not { } daemon) return;
        cluster.Trace(daemon.Machine, "is stopped");
        daemon.Stop();
    }

    private void Isolate()
    {
        if (AnyDaemon() is { } daemon) Isolate(daemon.Machine, RandomDuration());
    }

    private void Isolate(Machine machine, TimeSpan time)
    {
        if (machine.IsIsolated) return;
        cluster.Trace(machine, "is isolated");
        machine.IsIsolated = true;
        machine.Daemon?.Etcd.Isolate();
        scheduler.After(time, () =>
        {
            cluster.Trace(machine, "is reconnected");
            machine.IsIsolated = false;
            machine.Daemon?.Etcd.Reconnect();
        });
    }

    private void IsolateAll()
    {
        var time = RandomDuration();
        foreach (var machine in cluster.Machines) Isolate(machine, scheduler.Chance(0.8) ? time : RandomDuration());
    }

    private void Pause()
    {
        if (AnyDaemon() is not { Context.IsPaused: false } daemon) return;
        cluster.Trace(daemon.Machine, "is paused");
        daemon.Context.Pause();
        scheduler.After(RandomDuration(), () =>
        {
            cluster.Trace(daemon.Machine, "is resumed");
            daemon.Context.Resume();
        });
    }

    /// <summary>Suspends the virtual machine: its timers stop, the clock continues.</summary>
    private void Suspend()
    {
        if (AnyDaemon() is not { Context.IsPaused: false } daemon) return;
        cluster.Trace(daemon.Machine, "is suspended");
        daemon.Context.Suspend();
        scheduler.After(RandomDuration(), () =>
        {
            cluster.Trace(daemon.Machine, "is resumed from suspend");
            daemon.Context.Resume();
        });
    }

    private void SetWallClock()
    {
        if (AnyDaemon() is { } daemon) daemon.Machine.WallClockError += scheduler.Between(-100_000, 100_000);
    }

    private void RestartEtcd() => StopEtcd(scheduler.Between(0.1, 5));

    private void LoseQuorum() => StopEtcd(RandomDuration());

    private void StopEtcd(TimeSpan time)
    {
        if (cluster.Conditions.ClusterDown) return;
        scheduler.Trace("etcd", "is down");
        cluster.Conditions.ClusterDown = true;
        scheduler.After(time, () =>
        {
            if (cluster.Conditions.ClusterDown) StartEtcd();
        });
    }

    private void StartEtcd()
    {
        scheduler.Trace("etcd", "is up");
        cluster.Conditions.ClusterDown = false;
        cluster.Store.Restart();
    }

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

    private void CloudOutage()
    {
        cluster.Conditions.CloudDown = true;
        scheduler.After(RandomDuration(), () => cluster.Conditions.CloudDown = false);
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

    /// <summary>Without the old cluster id nothing owns the old routes. An operator repeatedly deletes those whose next hop does not hold
    /// the subnet. The route controller deletes the entries of the new cluster.</summary>
    private void RemoveRoutesOfLostCluster()
    {
        scheduler.After(RouteCleanup, RemoveRoutesOfLostCluster);
        var leased = cluster.Leases().Select(lease => (lease.Key.Subnet.ToString(), LeaseHolder.Of(lease.Pair)?.Instance)).ToHashSet();
        var mark = cluster.Store.Find(cluster.Keys.Cluster) is { } pair && ClusterId.ParseJson(pair.Value.Span) is { } id
            ? OwnershipMark.Of(id).Token
            : null;
        cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries.RemoveAll(
            entry => entry.Name != mark && !leased.Contains((entry.Destination, entry.Hop.Id)));
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

    private void ChangeConditions()
    {
        var conditions = cluster.Conditions;
        conditions.RequestLost = RandomProbability(0.3);
        conditions.ResponseLost = RandomProbability(0.3);
        conditions.Delayed = RandomProbability(0.2);
        conditions.Duplicated = RandomProbability(0.5);
        conditions.Slow = RandomProbability(0.6);
        conditions.WatchSilent = RandomProbability(0.3);
        conditions.CloudLost = RandomProbability(0.3);
        conditions.CloudResponseLost = RandomProbability(0.2);
        conditions.CloudConflict = RandomProbability(0.3);

        double RandomProbability(double highest) => scheduler.Chance(0.4) ? highest * scheduler.Random.NextDouble() : 0;
    }

    private void NewMachine() => cluster.StartLater(cluster.Machines[0], TimeSpan.Zero, scheduler.Chance(0.5));
}
