using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>What a simulated process uses of its cluster.</summary>
internal interface ISimulatedCluster
{
    Scheduler Scheduler { get; }

    SimulatedCloud Cloud { get; }

    NetworkConditions Conditions { get; }

    /// <summary>An invariant is violated.</summary>
    void Fail(string what);

    /// <summary>The process ended.</summary>
    /// <param name="reason">Null if it was stopped.</param>
    void Ended(SimulatedProcess process, string? reason);

    /// <summary>A process sends a write to the cloud.</summary>
    void CloudWrite(SimulatedProcess process, string action);

    /// <summary>A process writes <c>subnet.env</c>.</summary>
    void FileWritten(SimulatedProcess process, SubnetFileState before, SubnetEnv subnetEnv);

    /// <summary>A process removes <c>subnet.env</c>.</summary>
    void FileRemoved(SimulatedProcess process);
}
