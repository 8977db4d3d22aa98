using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>A <see cref="SubnetState"/> as one etcd transaction read it.</summary>
internal sealed record RegistryState(
    ConfigState Config, IReadOnlyList<Lease> Leases, IReadOnlyList<Ipv4Network> Taken, long Revision, bool IsComplete)
    : SubnetState(Config, Leases, Taken, Revision, IsComplete)
{
    /// <summary>etcd's revision of the last write of the pointer under the owner's address; 0 if it does not exist, null if it was not
    /// read. A node that takes the address for a new lease writes the pointer.</summary>
    public long? AddressPointerRevision { get; init; }

    /// <summary>The latest create revision of all keys below <c>{prefix}/subnets/</c>; 0 without one.</summary>
    public long LastCreation { get; init; }

    /// <summary>For the state that a failed creation returned: true if nothing in it explains the failure. Then a key that names no subnet
    /// sorts among the keys of the subnet.</summary>
    /// <param name="compared">The state that the creation compared.</param>
    internal bool IsBlockedByUnreadableKey(SubnetKey key, RegistryState compared) =>
        Config.ModRevision == compared.Config.ModRevision && !Taken.Any(key.Subnet.Overlaps)
        && (key.Ipv6Subnet is null || LastCreation <= compared.Revision);
}
