using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Host;

/// <summary><c>subnet.env</c> of a host with a conflist: whatever removes it removes the conflist before.</summary>
internal sealed class ConflistSubnetFile(ISubnetFile file, ConflistFile conflist) : ISubnetFile
{
    public string Path => file.Path;

    public SubnetFileState Read() => file.Read();

    public Result<Unit> Write(SubnetEnv subnetEnv) => file.Write(subnetEnv);

    /// <summary>Removes <c>subnet.env</c> also if the conflist cannot be removed: without it no pod gets an address.</summary>
    public Result<Unit> Remove()
    {
        var conflistRemoved = conflist.Remove();
        var removed = file.Remove();
        return removed.Ok ? conflistRemoved : removed;
    }
}
