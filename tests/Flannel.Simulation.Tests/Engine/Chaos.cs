using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Model;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>What goes wrong, and what people do. Each history has a taste of its own for some of it.</summary>
internal sealed class Chaos
{
    private static readonly string[] Configs =
    [
        Config("10.24.0.0/24", 27), Config("10.24.0.0/24", 28), Config("10.24.0.0/23", 25), Config("10.24.0.0/15", 17), Config("10.0.0.0/7", 9),
        Config("10.24.0.0/23", 26), Config("10.24.0.0/24", 27, "alloc"),
        Config("10.24.0.128/25", 28), "{", """{"Network":"10.24.0.0/24","SubnetLen":29,"SubnetMin":"10.24.0.8","SubnetMax":"10.24.0.64","Backend":{"Type":"ali-vpc"}}""",
    ];

    // The first of them are those that a history begins with.
    private const int FirstConfigs = 5;

    private readonly Cluster cluster;
    private readonly Scheduler scheduler;
    private readonly List<(int Weight, Action Act)> acts = [];
    private readonly double longestPause;
    private bool ended;
    private StoreSnapshot? snapshot;

    public Chaos(Cluster cluster)
    {
        this.cluster = cluster;
        scheduler = cluster.Scheduler;
        longestPause = scheduler.Between(2, 30).TotalSeconds;
        Action[] all =
        [
            Crash, Crash, Stop, CutOff, CutOff, CutOffAll, Pause, SetWallClock, RestartEtcd, LoseQuorum, TakeSnapshot, TakeSnapshot, Restore, Compact,
            FillDisk, DeleteLease, RevokeLease, DeleteController, Overwrite, Reserve, WriteJunk, ChangeConfig, ChangeWeather, ChangeWeather,
            NewMachine,
        ];
        foreach (var act in all)
        {
            if (scheduler.Chance(0.5)) acts.Add((1 + scheduler.Random.Next(4), act));
        }
    }

    public static string GoodConfig { get; } = Config("10.24.0.0/20", 27);

    public void Begin()
    {
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), Configs[scheduler.Random.Next(FirstConfigs)]);
        ChangeWeather();
        foreach (var machine in cluster.Machines.Skip(1)) cluster.StartLater(machine, scheduler.Between(0, scheduler.Chance(0.5) ? 0.1 : 20));
        Next();
    }

    /// <summary>Everything is repaired; only what nobody did is left.</summary>
    public void End()
    {
        ended = true;
        scheduler.Trace("chaos", "ends");
        cluster.Weather.Clear();
        cluster.Store.NoSpace = false;
        if (cluster.Weather.ClusterDown) Up();
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), GoodConfig);
        foreach (var machine in cluster.Machines)
        {
            machine.IsCutOff = false;
            machine.Daemon?.Etcd.Reconnect();
            machine.Daemon?.Context.GoOn();
            if (machine.Daemon is null) cluster.StartLater(machine, scheduler.Between(0, 2));
        }

        scheduler.Settle();
    }

    private static string Config(string network, int length, string backend = "ali-vpc") =>
        $$$"""{"Network":"{{{network}}}","SubnetLen":{{{length}}},"Backend":{"Type":"{{{backend}}}"}}""";

    private void Next()
    {
        if (ended) return;
        scheduler.After(scheduler.Between(0.01, longestPause), () =>
        {
            if (ended) return;
            if (acts.Count > 0)
            {
                var at = scheduler.Random.Next(acts.Sum(act => act.Weight));
                foreach (var (weight, act) in acts)
                {
                    if ((at -= weight) >= 0) continue;
                    act();
                    break;
                }
            }

            Next();
        });
    }

    private Daemon? Any() => cluster.Daemons.Count == 0 ? null : cluster.Daemons[scheduler.Random.Next(cluster.Daemons.Count)];

    private TimeSpan Span() => scheduler.Chance(0.5) ? scheduler.Between(0, 12) : scheduler.Between(10, 150);

    private void Crash()
    {
        if (Any() is not { } daemon) return;
        cluster.Trace(daemon.Machine, "crashes");
        daemon.Kill();
        daemon.Machine.Daemon = null;
        cluster.Daemons.Remove(daemon);
        cluster.StartLater(daemon.Machine, Span(), withSubnetFile: scheduler.Chance(0.6));
    }

    private void Stop()
    {
        if (Any() is not { } daemon) return;
        cluster.Trace(daemon.Machine, "is stopped");
        daemon.Stop();
    }

    private void CutOff()
    {
        if (Any() is { } daemon) CutOff(daemon.Machine, Span());
    }

    private void CutOff(Machine machine, TimeSpan time)
    {
        if (machine.IsCutOff) return;
        cluster.Trace(machine, "is cut off");
        machine.IsCutOff = true;
        machine.Daemon?.Etcd.CutOff();
        scheduler.After(time, () =>
        {
            cluster.Trace(machine, "is reconnected");
            machine.IsCutOff = false;
            machine.Daemon?.Etcd.Reconnect();
        });
    }

    private void CutOffAll()
    {
        var time = Span();
        foreach (var machine in cluster.Machines) CutOff(machine, scheduler.Chance(0.8) ? time : Span());
    }

    private void Pause()
    {
        if (Any() is not { Context.IsPaused: false } daemon) return;
        cluster.Trace(daemon.Machine, "is paused");
        daemon.Context.Pause();
        scheduler.After(Span(), () =>
        {
            cluster.Trace(daemon.Machine, "goes on");
            daemon.Context.GoOn();
        });
    }

    private void SetWallClock()
    {
        if (Any() is { } daemon) daemon.Machine.WallClockError += scheduler.Between(-100_000, 100_000);
    }

    private void RestartEtcd() => Down(scheduler.Between(0.1, 5));

    private void LoseQuorum() => Down(Span());

    private void Down(TimeSpan time)
    {
        if (cluster.Weather.ClusterDown) return;
        scheduler.Trace("etcd", "is down");
        cluster.Weather.ClusterDown = true;
        scheduler.After(time, () =>
        {
            if (cluster.Weather.ClusterDown) Up();
        });
    }

    private void Up()
    {
        scheduler.Trace("etcd", "is up");
        cluster.Weather.ClusterDown = false;
        cluster.Store.Restart();
    }

    private void TakeSnapshot() => snapshot = cluster.Store.Snapshot();

    private void Restore()
    {
        if (snapshot is null) return;
        scheduler.Trace("operator", "restores", snapshot.Revision);
        cluster.Invariants.ExcuseControllers();
        foreach (var daemon in cluster.Daemons) cluster.Invariants.Doom(daemon, "etcd was restored");
        cluster.Store.Restore(snapshot);
    }

    private void Compact()
    {
        var least = cluster.Store.CompactedAt + 1;
        if (least > cluster.Store.Revision) return;
        scheduler.Trace("operator", "compacts");
        cluster.Store.Compact(scheduler.Chance(0.5) ? cluster.Store.Revision : scheduler.Random.NextInt64(least, cluster.Store.Revision + 1));
    }

    private void FillDisk()
    {
        cluster.Store.NoSpace = true;
        scheduler.After(Span(), () => cluster.Store.NoSpace = false);
    }

    private KeyValue? AnyLease()
    {
        var found = cluster.Store.Pairs.Where(pair => pair.Key.ToStringUtf8().StartsWith(cluster.Keys.Subnets, StringComparison.Ordinal)).ToList();
        return found.Count == 0 || cluster.Weather.ClusterDown ? null : found[scheduler.Random.Next(found.Count)];
    }

    private void Doom(KeyValue pair, string why)
    {
        if (cluster.OwnerOf(pair) is { } owner) cluster.Invariants.Doom(owner, why);
    }

    private void DeleteLease()
    {
        if (AnyLease() is not { } pair) return;
        Doom(pair, "an operator deleted the key");
        cluster.Delete(pair.Key);
    }

    private void RevokeLease()
    {
        if (AnyLease() is not { Lease: > 0 } pair) return;
        scheduler.Trace("operator", $"revokes {pair.Key.ToStringUtf8()}");
        foreach (var attached in cluster.Store.Pairs.Where(other => other.Lease == pair.Lease)) Doom(attached, "an operator revoked the lease");
        cluster.Store.Revoke(pair.Lease);
    }

    private void DeleteController()
    {
        if (cluster.Weather.ClusterDown) return;
        cluster.Invariants.ExcuseControllers();
        cluster.Delete(cluster.Keys.Controller);
    }

    /// <summary>As upstream's renewal does, without a look, or an operator by hand.</summary>
    private void Overwrite()
    {
        if (cluster.Store.NoSpace || AnyLease() is not { } pair) return;
        Doom(pair, "an upstream node wrote over the key");
        var id = cluster.Store.Grant(scheduler.Random.NextInt64(1, long.MaxValue), Daemon.LeaseTime).ID;
        cluster.Put(pair.Key.ToStringUtf8(), """{"PublicIP":"192.168.9.9","BackendType":"vxlan"}""", scheduler.Chance(0.7) ? id : 0);
    }

    /// <summary>For a node of the cluster or another, where nobody is.</summary>
    private void Reserve()
    {
        if (cluster.Weather.ClusterDown || cluster.Store.NoSpace) return;
        var subnet = new Ipv4Network(Ipv4Address.Parse($"10.24.0.{scheduler.Random.Next(8) * 32}"), 27);
        foreach (var pair in cluster.Store.Pairs)
        {
            var key = pair.Key.ToStringUtf8();
            if (key.StartsWith(cluster.Keys.Subnets, StringComparison.Ordinal)
                && SubnetKey.TryParse(key.AsSpan(cluster.Keys.Subnets.Length), out var taken) && taken.Subnet.Overlaps(subnet)) return;
        }

        var forNode = scheduler.Random.Next(cluster.Machines.Count + 1);
        cluster.Put(
            cluster.Keys.Subnets + new SubnetKey(subnet), $$"""{"PublicIP":"192.168.0.{{forNode}}","BackendType":"ali-vpc"}""");
    }

    private void WriteJunk()
    {
        if (cluster.Weather.ClusterDown || cluster.Store.NoSpace) return;
        cluster.Put(cluster.Keys.Subnets + (scheduler.Chance(0.5) ? "hello" : "10.24.0.96"), "{", 0);
    }

    private void ChangeConfig()
    {
        if (cluster.Weather.ClusterDown || cluster.Store.NoSpace) return;
        if (scheduler.Chance(0.2)) cluster.Delete(cluster.Keys.Config);
        else cluster.Put(cluster.Keys.Config.ToStringUtf8(), Configs[scheduler.Random.Next(Configs.Length)]);
    }

    private void ChangeWeather()
    {
        var weather = cluster.Weather;
        weather.Lost = Bad(0.3);
        weather.AnswerLost = Bad(0.3);
        weather.Late = Bad(0.2);
        weather.Twice = Bad(0.5);
        weather.Slow = Bad(0.6);
        weather.Deaf = Bad(0.3);

        double Bad(double worst) => scheduler.Chance(0.4) ? worst * scheduler.Random.NextDouble() : 0;
    }

    private void NewMachine() => cluster.StartLater(cluster.Machines[0], TimeSpan.Zero, scheduler.Chance(0.5));
}
