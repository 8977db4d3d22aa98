using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The <c>subnet.env</c> of an earlier run, until this run holds a lease. Before the subnet manager has answered, the earlier
/// lease may still be valid: the file stays, and the containers' traffic continues. As soon as the subnet manager reports that the subnet
/// is no longer this node's, the file is removed.</summary>
internal sealed class EarlierSubnetFile(ISubnetFile file, ILogger logger)
{
    // Between two reads of the leases while the node waits for something else. Each read covers the node's own keys only.
    private static readonly TimeSpan FileRecheckInterval = TimeSpan.FromSeconds(10);

    private string? lastLogged;

    /// <summary>How often the leases must be read while there is a file; infinite without one.</summary>
    public TimeSpan RecheckInterval => file.Read() is SubnetFileState.Missing ? Timeout.InfiniteTimeSpan : FileRecheckInterval;

    /// <summary>The subnet that the file names; null without one.</summary>
    public Ipv4Network? ReadSubnet() => (file.Read() as SubnetFileState.Present)?.ReadSubnet();

    /// <summary>The IPv6 subnet that the file names; null without one.</summary>
    public Ipv6Network? ReadIpv6Subnet() => (file.Read() as SubnetFileState.Present)?.ReadIpv6Subnet();

    /// <summary>Removes the file unless there is a lease of this node for the subnets that the file names.</summary>
    public void Check(SubnetState state, LeaseOwner owner)
    {
        if (file.Read() is SubnetFileState.Missing) return;
        if (ReadSubnet() is not { } subnet)
        {
            Remove("it names no subnet");
            return;
        }

        if (state.Leases.FirstOrDefault(lease => lease.Subnet == subnet) is { } lease && MayBeOwn(lease, owner))
        {
            if (ReadIpv6Subnet() is { } ipv6 && ipv6 != lease.Key.Ipv6Subnet)
                Remove($"this node no longer has a lease of IPv6 subnet {ipv6}");
            return;
        }

        Remove(!state.IsOwnLeaseOnly && state.Taken.Any(taken => taken.Overlaps(subnet))
            ? $"another node has subnet {subnet}"
            : $"this node no longer has a lease of subnet {subnet}");
    }

    /// <summary>Removes the file if there is one.</summary>
    public void Remove(string reason)
    {
        if (file.Read() is SubnetFileState.Missing) return;
        var result = file.Remove();
        if (result.Ok) NodeLog.FileRemoved(logger, Redaction.Path(file.Path), reason);
        else if (result.Error != lastLogged) NodeLog.HostError(logger, result.Error);
        lastLogged = result.Error;
    }

    /// <summary>Until this node knows its instance, a lease that names an instance may be its own.</summary>
    private static bool MayBeOwn(Lease lease, LeaseOwner owner) =>
        owner.Classify(lease) is LeaseOwnerKind.Own or LeaseOwnerKind.OfFormerInstance
        || (owner.Instance is null && LeaseInstance.Read(lease.Attributes) is not null);
}
