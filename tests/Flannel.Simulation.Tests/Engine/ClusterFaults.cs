using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using Flanneld.Node;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Injects faults and actions of operators into a history, whatever the subnet manager is. Each history uses a random subset of
/// them with random weights.</summary>
internal abstract class ClusterFaults<TProcess>(SimulatedCluster<TProcess> cluster)
    where TProcess : SimulatedProcess
{
    private static readonly TimeSpan RouteCleanup = TimeSpan.FromSeconds(10);

    private readonly Scheduler scheduler = cluster.Scheduler;
    private readonly List<(int Weight, Action Inject)> faults = [];
    private readonly double longestPause = cluster.Scheduler.Between(2, 30).TotalSeconds;

    /// <summary>Whether the faults are over.</summary>
    protected bool HasEnded { get; private set; }

    protected Scheduler Scheduler => scheduler;

    /// <summary>Of the faults that every cluster has.</summary>
    protected IEnumerable<Action> Common =>
        [Crash, Crash, Stop, Isolate, Isolate, IsolateAll, Pause, Suspend, SetWallClock];

    public abstract void Begin();

    /// <summary>Ends all faults and undoes what the history needs undone to converge.</summary>
    public void End()
    {
        HasEnded = true;
        scheduler.Trace("faults", "end");
        cluster.Conditions.Clear();
        RepairStore();
        foreach (var machine in cluster.Machines)
        {
            machine.IsIsolated = false;
            if (machine.Process is TProcess process)
            {
                Repair(process);
                process.Connection.Reconnect();
                process.Context.Resume();
            }
            else
            {
                cluster.StartLater(machine, scheduler.Between(0, 2));
            }
        }

        RestartProcesses();
        scheduler.Settle();
    }

    /// <summary>Chooses among the faults of this kind of cluster.</summary>
    protected void Choose(IEnumerable<Action> all)
    {
        foreach (var inject in all)
        {
            if (scheduler.Chance(0.5)) faults.Add((1 + scheduler.Random.Next(4), inject));
        }
    }

    /// <summary>Starts the processes of these machines, and then injects faults.</summary>
    protected void Begin(IEnumerable<Machine> machines)
    {
        ChangeConditions();
        foreach (var machine in machines) cluster.StartLater(machine, scheduler.Between(0, scheduler.Chance(0.5) ? 0.1 : 20));
        Next();
    }

    /// <summary>At the end: the store is available and has what it needs.</summary>
    protected abstract void RepairStore();

    /// <summary>At the end, for each running process.</summary>
    protected virtual void Repair(TProcess process)
    {
    }

    /// <summary>At the end: processes that must start again to converge.</summary>
    protected virtual void RestartProcesses()
    {
    }

    /// <summary>The store is available again.</summary>
    protected abstract void RestartStore();

    /// <summary>The id of the present cluster; null without one.</summary>
    protected abstract ClusterId? ReadClusterId();

    /// <summary>The subnets and instances of all leases.</summary>
    protected abstract IEnumerable<LeasedRoute> LeasedRoutes();

    /// <summary>An operator deletes or changes routes.</summary>
    protected virtual void ChangeTable(Action change) => change();

    /// <summary>Whether an entry is of no cluster of this history.</summary>
    protected virtual bool IsOfOthers(InMemoryCloudApi.Entry entry) => false;

    /// <summary>The conditions between a process and this kind of store.</summary>
    protected abstract void ChangeStoreConditions();

    protected T Any<T>(IReadOnlyList<T> list) => list[scheduler.Random.Next(list.Count)];

    protected TProcess? AnyProcess() => cluster.Processes.Count == 0 ? null : Any(cluster.Processes);

    protected TimeSpan RandomDuration() => scheduler.Chance(0.5) ? scheduler.Between(0, 12) : scheduler.Between(10, 150);

    protected double RandomProbability(double highest) => scheduler.Chance(0.4) ? highest * scheduler.Random.NextDouble() : 0;

    protected void StopStore(TimeSpan time)
    {
        if (cluster.Conditions.ClusterDown) return;
        scheduler.Trace("store", "is down");
        cluster.Conditions.ClusterDown = true;
        scheduler.After(time, StartStore);
    }

    /// <summary>Unless it is available.</summary>
    protected void StartStore()
    {
        if (!cluster.Conditions.ClusterDown) return;
        scheduler.Trace("store", "is up");
        cluster.Conditions.ClusterDown = false;
        RestartStore();
    }

    protected void CloudOutage()
    {
        cluster.Conditions.CloudDown = true;
        scheduler.After(RandomDuration(), () => cluster.Conditions.CloudDown = false);
    }

    /// <summary>Another program deletes or changes subnet.env; the process must restore it within its reconcile interval.</summary>
    protected void ChangeFile()
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

    protected void ChangeConditions()
    {
        var conditions = cluster.Conditions;
        conditions.RequestLost = RandomProbability(0.3);
        conditions.ResponseLost = RandomProbability(0.3);
        conditions.Delayed = RandomProbability(0.2);
        ChangeStoreConditions();
        conditions.Slow = RandomProbability(0.6);
        conditions.WatchSilent = RandomProbability(0.3);
        conditions.CloudLost = RandomProbability(0.3);
        conditions.CloudResponseLost = RandomProbability(0.2);
        conditions.CloudConflict = RandomProbability(0.3);
    }

    /// <summary>Without the old cluster id nothing owns the old routes. An operator repeatedly deletes those whose next hop does not hold
    /// the subnet. The route controller deletes the entries of the new cluster.</summary>
    protected void RemoveRoutesOfLostCluster()
    {
        scheduler.After(RouteCleanup, RemoveRoutesOfLostCluster);
        var leased = LeasedRoutes().ToHashSet();
        var mark = ReadClusterId() is { } id ? OwnershipMark.Of(id).Token : null;
        ChangeTable(() => cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries.RemoveAll(
            entry => entry.Name != mark && !IsOfOthers(entry) && !leased.Contains(new LeasedRoute(entry.Destination, entry.Hop.Id))));
    }

    private void Next()
    {
        if (HasEnded) return;
        scheduler.After(scheduler.Between(0.01, longestPause), () =>
        {
            if (HasEnded) return;
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
        machine.Process?.Connection.Isolate();
        scheduler.After(time, () =>
        {
            cluster.Trace(machine, "is reconnected");
            machine.IsIsolated = false;
            machine.Process?.Connection.Reconnect();
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

    private void ResumeLater(TProcess process) => scheduler.After(RandomDuration(), () =>
    {
        cluster.Trace(process.Machine, "is resumed");
        process.Context.Resume();
    });

    private void SetWallClock()
    {
        if (AnyProcess() is { } process) process.Machine.WallClockError += scheduler.Between(-100_000, 100_000);
    }
}

/// <summary>The destination and the instance of the route that a lease needs.</summary>
internal sealed record LeasedRoute(string Subnet, string? Instance);
