using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.RouteController.Planning;
using Flannel.Simulation.Tests.Engine;
using Flanneld.Node;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Injects faults and actions of operators into a history. Each history uses a random subset of them with random
/// weights.</summary>
internal sealed class KubeFaults
{
    private const int LargestCluster = 8;

    private static readonly TimeSpan RouteCleanup = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan KubeletInterval = TimeSpan.FromSeconds(60);

    private readonly KubeCluster cluster;
    private readonly Scheduler scheduler;
    private readonly List<(int Weight, Action Inject)> faults = [];
    private readonly double longestPause;
    private readonly Action empty;
    private Action? restore;
    private bool ended;
    private bool isRestored;

    public KubeFaults(KubeCluster cluster)
    {
        this.cluster = cluster;
        scheduler = cluster.Scheduler;
        longestPause = scheduler.Between(2, 30).TotalSeconds;
        empty = cluster.Server.Backup();
        Action[] all =
        [
            Crash, Crash, Stop, Isolate, Isolate, IsolateAll, Pause, Suspend, SetWallClock, RestartServer, StopServer, Expire, FreezeCache,
            TakeBackup, TakeBackup, Restore, Empty, CloudOutage, AddNode, RemoveNode, RemoveNode, RecreateNode, RecreateNode, ReleaseNode,
            DeleteElection, DeleteStatus, DenyRequest, ChangeFile, ChangeFile, ChangeConditions, ChangeConditions,
        ];
        foreach (var inject in all)
        {
            if (scheduler.Chance(0.5)) faults.Add((1 + scheduler.Random.Next(4), inject));
        }
    }

    public void Begin()
    {
        ChangeConditions();
        foreach (var machine in cluster.Machines)
            cluster.StartLater(machine, scheduler.Between(0, scheduler.Chance(0.5) ? 0.1 : 20));
        WriteAsKubelets();
        Next();
    }

    /// <summary>Ends all faults and undoes what the history needs undone to converge.</summary>
    public void End()
    {
        ended = true;
        scheduler.Trace("faults", "end");
        cluster.Conditions.Clear();
        if (cluster.Conditions.ClusterDown) StartServer();
        cluster.Server.ThawCache();
        RegisterNodes();
        foreach (var node in cluster.Server.Nodes.Where(node => !cluster.Machines.Exists(machine => machine.Name == node.Name)).ToList())
            cluster.DeleteNode(node.Name);
        if (isRestored) RemoveRoutesOfLostCluster();
        foreach (var machine in cluster.Machines)
        {
            machine.IsIsolated = false;
            if (machine.Process is KubeProcess process)
            {
                process.Kube.AllowAll();
                process.Kube.Reconnect();
                process.Context.Resume();
            }
            else
            {
                cluster.StartLater(machine, scheduler.Between(0, 2));
            }
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

    /// <summary>Kubelets write the status of their nodes, and other objects are written.</summary>
    private void WriteAsKubelets()
    {
        scheduler.After(KubeletInterval, WriteAsKubelets);
        if (cluster.Conditions.ClusterDown) return;
        foreach (var node in cluster.Server.Nodes) cluster.Server.TouchNode(node.Name);
        cluster.Server.WriteAnotherObject();
    }

    private T Any<T>(IReadOnlyList<T> list) => list[scheduler.Random.Next(list.Count)];

    private KubeProcess? AnyProcess() => cluster.Processes.Count == 0 ? null : Any(cluster.Processes);

    private TimeSpan RandomDuration() => scheduler.Chance(0.5) ? scheduler.Between(0, 12) : scheduler.Between(10, 150);

    private void Crash()
    {
        if (AnyProcess() is not { } process) return;
        cluster.Trace(process.Machine, "crashes");
        cluster.Kill(process);
        cluster.StartLater(process.Machine, RandomDuration(), withSubnetFile: scheduler.Chance(0.6));
    }

    private void Stop()
    {
        if (AnyProcess() is not { } process) return;
        cluster.Trace(process.Machine, "is stopped");
        process.Stop();
    }

    private void Isolate()
    {
        if (AnyProcess() is { } process) Isolate(process.Machine, RandomDuration());
    }

    private void Isolate(Machine machine, TimeSpan time)
    {
        if (machine.IsIsolated) return;
        cluster.Trace(machine, "is isolated");
        machine.IsIsolated = true;
        (machine.Process as KubeProcess)?.Kube.Isolate();
        scheduler.After(time, () =>
        {
            if (!machine.IsIsolated) return;
            cluster.Trace(machine, "is reconnected");
            machine.IsIsolated = false;
            (machine.Process as KubeProcess)?.Kube.Reconnect();
        });
    }

    private void IsolateAll()
    {
        var time = RandomDuration();
        foreach (var machine in cluster.Machines) Isolate(machine, scheduler.Chance(0.8) ? time : RandomDuration());
    }

    private void Pause()
    {
        if (AnyProcess() is not { Context.IsPaused: false } process) return;
        cluster.Trace(process.Machine, "is paused");
        process.Context.Pause();
        ResumeLater(process);
    }

    /// <summary>Suspends the virtual machine: its timers stop, the clock continues.</summary>
    private void Suspend()
    {
        if (AnyProcess() is not { Context.IsPaused: false } process) return;
        cluster.Trace(process.Machine, "is suspended");
        process.Context.Suspend();
        ResumeLater(process);
    }

    private void ResumeLater(KubeProcess process) => scheduler.After(RandomDuration(), () =>
    {
        cluster.Trace(process.Machine, "is resumed");
        process.Context.Resume();
    });

    private void SetWallClock()
    {
        if (AnyProcess() is { } process) process.Machine.WallClockError += scheduler.Between(-100_000, 100_000);
    }

    /// <summary>The API server restarts without an interruption that clients notice otherwise.</summary>
    private void RestartServer()
    {
        scheduler.Trace("server", "restarts");
        cluster.Server.Restart();
    }

    private void StopServer()
    {
        if (cluster.Conditions.ClusterDown) return;
        scheduler.Trace("server", "is down");
        cluster.Conditions.ClusterDown = true;
        scheduler.After(RandomDuration(), () =>
        {
            if (cluster.Conditions.ClusterDown) StartServer();
        });
    }

    private void StartServer()
    {
        scheduler.Trace("server", "is up");
        cluster.Conditions.ClusterDown = false;
        cluster.Server.Restart();
    }

    private void Expire()
    {
        scheduler.Trace("server", "drops its history");
        cluster.Server.Expire();
    }

    private void FreezeCache()
    {
        scheduler.Trace("server", "has a stale cache");
        cluster.Server.FreezeCache();
        scheduler.After(RandomDuration(), cluster.Server.ThawCache);
    }

    private void TakeBackup() => restore = cluster.Server.Backup();

    private void Restore()
    {
        if (restore is not null) Restore(restore);
    }

    /// <summary>The backup of the first day: without annotations and Leases.</summary>
    private void Empty() => Restore(empty);

    /// <summary>The API server has older objects. Kubelets without a node register again after some time.</summary>
    private void Restore(Action backup)
    {
        scheduler.Trace("operator", "restores a backup");
        isRestored = true;
        cluster.Invariants.AllowTwoControllers();
        cluster.Invariants.Restored();
        foreach (var machine in cluster.Machines) KubeInvariants.MarkDisturbed(machine, "the API server was restored");
        backup();
        scheduler.After(RandomDuration(), RegisterNodes);
    }

    private void RegisterNodes()
    {
        if (cluster.Conditions.ClusterDown) return;
        foreach (var machine in cluster.Machines) cluster.RegisterNode(machine, TimeSpan.Zero);
    }

    private void CloudOutage()
    {
        cluster.Conditions.CloudDown = true;
        scheduler.After(RandomDuration(), () => cluster.Conditions.CloudDown = false);
    }

    private void AddNode()
    {
        if (cluster.Conditions.ClusterDown || cluster.Machines.Count >= LargestCluster) return;
        cluster.StartLater(cluster.AddMachine(), RandomDuration());
    }

    /// <summary>The instance is released, and its node is deleted; before it or after it.</summary>
    private void RemoveNode()
    {
        if (cluster.Conditions.ClusterDown || cluster.Machines.Count < 3) return;
        var machine = Any(cluster.Machines);
        cluster.Trace(machine, "is released");
        cluster.Machines.Remove(machine);
        if (machine.Process is KubeProcess process) cluster.Kill(process);
        scheduler.After(scheduler.Chance(0.5) ? TimeSpan.Zero : RandomDuration(), () =>
        {
            if (!ended) cluster.DeleteNode(machine.Name);
        });
    }

    /// <summary>An operator deletes the node of a running machine. Its kubelet registers it again.</summary>
    private void RecreateNode()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        cluster.DeleteNode(machine.Name);
        scheduler.After(scheduler.Chance(0.5) ? TimeSpan.Zero : RandomDuration(), () =>
        {
            if (!ended && !cluster.Conditions.ClusterDown && cluster.Machines.Contains(machine))
                cluster.RegisterNode(machine, scheduler.Chance(0.5) ? TimeSpan.Zero : scheduler.Between(0, 30));
        });
    }

    /// <summary>Another program removes the annotations of flannel.</summary>
    private void ReleaseNode()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        if (cluster.NodeOf(machine) is not { } node || !cluster.Annotations.IsManaged(node)) return;
        cluster.Trace(machine, "loses its annotations");
        cluster.EndLease(node);
        cluster.Server.ChangeNode(node.Name, found => found with { Annotations = new Dictionary<string, string>() });
    }

    private void DeleteStatus()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        if (cluster.NodeOf(machine) is not { } node) return;
        cluster.Trace(machine, "loses its route status");
        KubeInvariants.MarkDisturbed(machine, "its route status was deleted");
        cluster.Server.ChangeNode(node.Name, found => found with
        {
            Annotations = found.Annotations.Where(pair => pair.Key != cluster.Annotations.RouteStatus).ToDictionary(),
        });
    }

    private void DeleteElection()
    {
        if (cluster.Conditions.ClusterDown || cluster.Election is not { } election) return;
        scheduler.Trace("operator", "deletes the Lease of the election");
        cluster.Invariants.AllowTwoControllers();
        cluster.Server.DeleteLease(election.Name);
    }

    /// <summary>RBAC denies one request of a process for some time.</summary>
    private void DenyRequest()
    {
        if (AnyProcess() is not { } process) return;
        var access = Any(ModelAccount.Everything);
        cluster.Trace(process.Machine, $"may not {access.Verb} {access.Resource}");
        process.Kube.Deny(access);
        scheduler.After(RandomDuration(), process.Kube.AllowAll);
    }

    /// <summary>Another program deletes or changes subnet.env; the process must restore it within its reconcile interval.</summary>
    private void ChangeFile()
    {
        if (AnyProcess() is not { Context.IsPaused: false } process) return;
        var changedAt = scheduler.Now;
        var machine = process.Machine;
        cluster.Trace(machine, "has its subnet.env changed");
        if (scheduler.Chance(0.5)) machine.SubnetFile.Remove();
        else machine.OverwriteFile();
        machine.ReadFile();
        machine.FileChangedAt = changedAt;
        scheduler.After(HostReconciler.Interval + TimeSpan.FromMilliseconds(1), () =>
        {
            if (machine.Process == process && machine.FileChangedAt == changedAt && process.IsReady && process.Subnet is null
                && !process.Context.WasPausedAfter(changedAt))
                cluster.Fail($"{machine.Name} is ready without subnet.env");
        });
    }

    private void ChangeConditions()
    {
        var conditions = cluster.Conditions;
        conditions.RequestLost = RandomProbability(0.3);
        conditions.ResponseLost = RandomProbability(0.3);
        conditions.Delayed = RandomProbability(0.2);
        conditions.Slow = RandomProbability(0.6);
        conditions.WatchSilent = RandomProbability(0.3);
        conditions.Overloaded = RandomProbability(0.3);
        conditions.StaleCache = RandomProbability(0.5);
        conditions.CloudLost = RandomProbability(0.3);
        conditions.CloudResponseLost = RandomProbability(0.2);
        conditions.CloudConflict = RandomProbability(0.3);

        double RandomProbability(double highest) => scheduler.Chance(0.4) ? highest * scheduler.Random.NextDouble() : 0;
    }

    /// <summary>Without the old cluster id nothing owns the old routes. An operator repeatedly deletes those whose next hop does not have
    /// the pod CIDR.</summary>
    private void RemoveRoutesOfLostCluster()
    {
        scheduler.After(RouteCleanup, RemoveRoutesOfLostCluster);
        var leased = cluster.Server.Nodes.Select(node => (KubeCluster.SubnetOf(node)?.ToString(),
            cluster.Machines.Find(machine => machine.Name == node.Name)?.Instance)).ToHashSet();
        var id = cluster.Server.Leases.FirstOrDefault(lease => lease.Name == ControllerObjects.Cluster(KubeCluster.Namespace));
        var mark = id?.Annotations.Values.Select(value => ClusterId.ParseJson(System.Text.Encoding.UTF8.GetBytes(value)))
            .FirstOrDefault(parsed => parsed is not null) is { } known ? OwnershipMark.Of(known).Token : null;
        cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries.RemoveAll(
            entry => entry.Name != mark && !leased.Contains((entry.Destination, entry.Hop.Id)));
        cluster.Invariants.TableChanged();
    }
}
