using Flannel.Core;
using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The <c>subnet.env</c> of a machine for one process. Each write and removal is checked before it is executed.</summary>
internal sealed class SimulatedSubnetFile(SimulatedProcess process, ISimulatedCluster cluster) : ISubnetFile
{
    private SubnetFile File => process.Machine.SubnetFile;

    public string Path => File.Path;

    public SubnetFileState Read() => File.Read();

    public Result<Unit> Write(SubnetEnv subnetEnv)
    {
        cluster.FileWritten(process, File.Read(), subnetEnv);
        var result = File.Write(subnetEnv);
        process.Machine.ReadFile();
        return result;
    }

    public Result<Unit> Remove()
    {
        cluster.FileRemoved(process);
        var result = File.Remove();
        process.Machine.ReadFile();
        return result;
    }
}
