using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One cluster with its machines, their processes and the cloud, whatever its subnet manager is.</summary>
internal abstract class SimulatedCluster<TProcess>(Scheduler scheduler) : ISimulatedCluster, IDisposable
    where TProcess : SimulatedProcess
{
    private const string SharedMemory = "/dev/shm";

    private readonly DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(Root, $"flannel-simulation-{Guid.NewGuid():N}"));
    private string? failure;

    public Scheduler Scheduler => scheduler;

    public abstract SimulatedCloud Cloud { get; }

    public NetworkConditions Conditions { get; } = new();

    public List<Machine> Machines { get; } = [];

    public List<TProcess> Processes { get; } = [];

    protected string Folder => folder.FullName;

    protected abstract ClusterInvariants<TProcess> Rules { get; }

    /// <summary>The longest time after which a process that ended is started again, in seconds.</summary>
    protected abstract double LongestRestart { get; }

    public void Fail(string what) => failure ??= what;

    public void Trace(Machine machine, string what, long detail = 0) => Scheduler.Trace(machine.Name, what, detail);

    public void Run(TimeSpan until)
    {
        while (Scheduler.Now < until) Step();
    }

    public void Step()
    {
        Scheduler.Step();
        Rules.Check();
        if (failure is not null) throw new SimulationFailure(failure);
    }

    public void Start(Machine machine, bool withSubnetFile)
    {
        machine.RestartPlanned = false;
        if (machine.Process is not null || !Machines.Contains(machine)) return;
        Trace(machine, withSubnetFile ? "starts" : "starts without subnet.env");
        if (!withSubnetFile) machine.SubnetFile.Remove();
        machine.ReadFile();
        machine.StaleFileSince = null;
        var process = NewProcess(machine, Scheduler.Random.Next());
        if (machine.IsIsolated) process.Connection.Isolate();
        machine.Process = process;
        Processes.Add(process);
        Rules.StoreChanged();
        process.Start();
        Scheduler.Settle();
    }

    public void StartLater(Machine machine, TimeSpan delay, bool withSubnetFile = true)
    {
        if (machine.RestartPlanned) return;
        machine.RestartPlanned = true;
        Scheduler.After(delay, () => Start(machine, withSubnetFile));
    }

    public void Ended(SimulatedProcess process, string? reason)
    {
        if (process.Machine.Process != process) return;
        Trace(process.Machine, $"ended: {reason ?? "stopped"}");
        if (reason is not null) Rules.Ended((TProcess)process, reason);
        Kill((TProcess)process);
        StartLater(process.Machine, Scheduler.Between(0.1, LongestRestart));
    }

    /// <summary>Kills the process; nothing restarts it.</summary>
    public void Kill(TProcess process)
    {
        process.Kill();
        process.Machine.Process = null;
        Processes.Remove(process);
        Rules.StoreChanged();
    }

    public void CloudWrite(SimulatedProcess process, string action) => Rules.CloudWrite((TProcess)process, action);

    public void FileWritten(SimulatedProcess process, SubnetFileState before, SubnetEnv subnetEnv) =>
        Rules.FileWritten((TProcess)process, before, subnetEnv);

    public void FileRemoved(SimulatedProcess process) => Rules.FileRemoved((TProcess)process);

    public void Dispose() => folder.Delete(recursive: true);

    protected abstract TProcess NewProcess(Machine machine, int seed);

    /// <summary>The store has changed: its watchers receive events unless it is stopped.</summary>
    protected void NotifyProcesses()
    {
        Rules.StoreChanged();
        if (Conditions.ClusterDown) return;
        foreach (var process in Processes.ToList()) process.Connection.StoreChanged();
    }

    /// <summary>In memory if possible: each write of a subnet file is flushed to the disk.</summary>
    private static string Root => Directory.Exists(SharedMemory) ? SharedMemory : Path.GetTempPath();
}
