using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Conditions that must hold after every step, whatever the subnet manager is.</summary>
internal abstract class ClusterInvariants<TProcess>(SimulatedCluster<TProcess> cluster)
    where TProcess : SimulatedProcess
{
    // Limits for one process with two loops that retry and one pass of the controller per second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    /// <summary>A response takes up to some seconds, and an event waits for the end of the preceding request.</summary>
    private static readonly TimeSpan EventDelay = TimeSpan.FromSeconds(30);

    private bool storeChanged = true;
    private TimeSpan twoControllersAllowedUntil;
    private TimeSpan nextCheck;

    protected TimeSpan Now => cluster.Scheduler.Now;

    protected bool MayHaveTwoControllers => Now < twoControllersAllowedUntil;

    /// <summary>How long two controllers may act after another party has ended a term: until the first one notices it.</summary>
    protected abstract TimeSpan TwoControllers { get; }

    /// <summary>The store or the set of running processes has changed.</summary>
    public virtual void StoreChanged() => storeChanged = true;

    /// <summary>Another party has ended the term of the controller.</summary>
    public void AllowTwoControllers() => twoControllersAllowedUntil = Now + TwoControllers;

    /// <summary>A process ended by itself.</summary>
    public void Ended(TProcess process, string reason)
    {
        if (process.LeaseDisturbance is null && !MayEnd(process.Machine))
            cluster.Fail($"{process.Machine.Name} ended although its lease was not disturbed: {reason}");
    }

    /// <summary>A process sends a write to the cloud: it must hold the election.</summary>
    public void CloudWrite(TProcess process, string action)
    {
        if (MayHaveTwoControllers || process.Context.WasPausedAfter(Now - TimeSpan.FromSeconds(1))) return;
        if (!HoldsElection(process)) cluster.Fail($"{process.Machine.Name} sends {action} and does not hold the election");
    }

    /// <summary>A process writes <c>subnet.env</c>.</summary>
    public void FileWritten(TProcess process, SubnetFileState before, SubnetEnv subnetEnv)
    {
        if (before is SubnetFileState.Present { HasExpectedMode: true } present
            && present.Content.AsSpan().SequenceEqual(subnetEnv.ToBytes()))
            cluster.Fail($"{process.Machine.Name} writes a subnet.env that is correct already");
        // A published subnet may be written again: a lease that was taken back continues the previous one.
        if (process.Published != subnetEnv.Subnet) CheckRoute(process, subnetEnv.Subnet);
    }

    /// <summary>A process removes <c>subnet.env</c>: never while the lease and the route are fine.</summary>
    public void FileRemoved(TProcess process)
    {
        var machine = process.Machine;
        if (machine.SubnetInFile is not { } subnet || machine.UsableSince is not { } since || Now - since < EventDelay) return;
        // A paused process may act on a response from before the pause.
        if (process.Context.WasPausedAfter(since) || MayRemove(process, subnet)) return;
        cluster.Fail($"{machine.Name} removes {subnet} from subnet.env, which it may use by the store since {Now - since}");
    }

    public void Check()
    {
        foreach (var process in cluster.Processes)
        {
            if (process.Context.HasRun) CheckProcess(process);
        }

        if (!storeChanged && Now < nextCheck) return;
        storeChanged = false;
        nextCheck = Now + TimeSpan.FromSeconds(1);
        BeforeCheck();
        foreach (var machine in cluster.Machines) machine.UsableSince = IsUsable(machine) ? machine.UsableSince ?? Now : null;
        CheckStore();
        foreach (var process in cluster.Processes)
        {
            CheckHolding(process);
            CheckRequests(process);
        }

        CheckOverlaps();
    }

    protected abstract bool HoldsElection(TProcess process);

    /// <summary>A process publishes a subnet only after the controller has reported the route of this lease as available.</summary>
    protected abstract void CheckRoute(TProcess process, Ipv4Network subnet);

    /// <summary>Whether the store says that the machine may use the subnet that its file names.</summary>
    protected abstract bool IsUsable(Machine machine);

    /// <summary>A process that uses a subnet holds it, or cannot have noticed yet that it does not.</summary>
    protected abstract void CheckHolding(TProcess process);

    /// <summary>Whether the process can have noticed that it does not hold its subnet any more.</summary>
    protected abstract bool MustHold(TProcess process);

    /// <summary>Whether a process may end by itself although its lease was not disturbed.</summary>
    protected virtual bool MayEnd(Machine machine) => false;

    /// <summary>Whether another reason allows the process to remove a file with a subnet that the machine may use.</summary>
    protected virtual bool MayRemove(TProcess process, Ipv4Network subnet) => false;

    protected virtual void BeforeCheck()
    {
    }

    protected virtual void CheckStore()
    {
    }

    /// <summary>The process has published another subnet.</summary>
    protected virtual void OnPublished(TProcess process, Ipv4Network subnet)
    {
    }

    /// <summary>Checks what the process publishes to the host after a step.</summary>
    private void CheckProcess(TProcess process)
    {
        process.Context.HasRun = false;
        var before = process.Published;
        var subnet = process.Published = PublishedNow(process);
        if (process.Subnet is not null && !process.IsReady)
            cluster.Fail($"{process.Machine.Name} leaves {subnet} in subnet.env and is not ready");
        if (subnet == before) return;
        storeChanged = true;
        cluster.Trace(process.Machine, subnet is null ? "withdraws subnet.env" : $"publishes {subnet}");
        if (subnet is not { } published) return;
        CheckRoute(process, published);
        OnPublished(process, published);
    }

    /// <summary>Ignores changes by another program, and a file that the process keeps while it does not know whether it holds the
    /// subnet.</summary>
    private static Ipv4Network? PublishedNow(TProcess process)
    {
        if (process.Publishes) return process.Machine.SubnetInFile ?? process.Published;
        return process.Machine.SubnetInFile == process.Published ? process.Published : null;
    }

    private void CheckRequests(TProcess process)
    {
        if (process.Connection.Requests > RequestsAtOnce + RequestsPerSecond * (Now - process.Started).TotalSeconds)
            cluster.Fail($"{process.Machine.Name} has made {process.Connection.Requests} requests in {Now - process.Started}");
    }

    /// <summary>No two processes use overlapping subnets.</summary>
    private void CheckOverlaps()
    {
        var used = cluster.Processes.Where(process => process.Subnet is not null && MustHold(process)).ToList();
        for (var i = 0; i < used.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (used[i].Subnet!.Value.Overlaps(used[j].Subnet!.Value))
                    cluster.Fail($"{used[i].Machine.Name} uses {used[i].Subnet}, {used[j].Machine.Name} uses {used[j].Subnet}");
            }
        }
    }
}
