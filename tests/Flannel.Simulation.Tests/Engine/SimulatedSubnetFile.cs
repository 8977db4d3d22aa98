using Flannel.Core;
using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The <c>subnet.env</c> of a machine for one process. Each write and removal is checked before it is executed.</summary>
internal sealed class SimulatedSubnetFile(Daemon daemon, Invariants invariants) : ISubnetFile
{
    private SubnetFile File => daemon.Machine.SubnetFile;

    public string Path => File.Path;

    public SubnetFileState Read() => File.Read();

    public Result<Unit> Write(SubnetEnv subnetEnv)
    {
        invariants.FileWritten(daemon, File.Read(), subnetEnv);
        var result = File.Write(subnetEnv);
        daemon.Machine.ReadFile();
        return result;
    }

    public Result<Unit> Remove()
    {
        invariants.FileRemoved(daemon);
        var result = File.Remove();
        daemon.Machine.ReadFile();
        return result;
    }
}
