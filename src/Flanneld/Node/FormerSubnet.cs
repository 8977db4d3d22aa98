using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flanneld.Commands.Check;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The <c>subnet.env</c> that an earlier run left, until this run holds a lease of its own. While etcd has not answered, the lease
/// of before may well be valid: the file stays, and the containers' traffic goes on. As soon as etcd says that the subnet is not this
/// node's any more, the file is removed.</summary>
internal sealed class FormerSubnet(ISubnetFile file, ILogger logger)
{
    // Between two reads of etcd while the node waits for something else. Each reads the node's own keys only.
    private static readonly TimeSpan RecheckInterval = TimeSpan.FromSeconds(10);

    private string? lastError;

    /// <summary>Whether there is a file that must be watched, and how often.</summary>
    public TimeSpan Recheck => file.Read() is SubnetFileState.Missing ? Timeout.InfiniteTimeSpan : RecheckInterval;

    /// <summary>The subnet that the file names; null without one.</summary>
    public Ipv4Network? ReadSubnet() => (file.Read() as SubnetFileState.Present)?.ReadSubnet();

    /// <summary>Removes the file unless etcd has a lease of this node for the subnet that it names.</summary>
    public void Check(RegistryState state, LeaseOwner owner)
    {
        if (file.Read() is SubnetFileState.Missing) return;
        if (ReadSubnet() is not { } subnet)
        {
            Remove("it names no subnet");
            return;
        }

        if (state.Leases.FirstOrDefault(lease => lease.Subnet == subnet) is { } lease && MayBeOwn(lease, owner)) return;
        Remove(!state.IsOwnLeaseOnly && state.Taken.Any(taken => taken.Overlaps(subnet))
            ? $"another node has subnet {subnet}"
            : $"this node has no lease of subnet {subnet} any more");
    }

    /// <summary>Until it is known which instance this is, a lease that names one may be this node's.</summary>
    private static bool MayBeOwn(Lease lease, LeaseOwner owner) =>
        owner.Judge(lease) is LeaseOwnerKind.Own or LeaseOwnerKind.OfGoneInstance
        || (owner.Instance is null && LeaseInstance.Read(lease.Attributes) is not null);

    /// <summary>Removes the file if there is one.</summary>
    public void Remove(string reason)
    {
        if (file.Read() is SubnetFileState.Missing) return;
        if (file.Remove() is FileResult.Failed failed)
        {
            if (failed.Error != lastError) NodeLog.FileTrouble(logger, failed.Error);
            lastError = failed.Error;
            return;
        }

        lastError = null;
        NodeLog.FileRemoved(logger, Redaction.Path(file.Path), reason);
    }
}
