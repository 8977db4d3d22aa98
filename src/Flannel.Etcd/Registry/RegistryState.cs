using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Etcd.Registry;

/// <summary>The configuration and all leases, as one etcd transaction saw them.</summary>
/// <param name="Leases">Every lease whose key and value can be read, in the order of etcd's keys; of a read for one owner only its
/// own.</param>
/// <param name="Taken">Every subnet that may not be leased: those of the leases, and those of keys that name a subnet but cannot be read
/// otherwise.</param>
/// <param name="IsWhole">False when a subnet's value could not be read.</param>
public sealed record RegistryState(
    ConfigState Config, IReadOnlyList<Lease> Leases, IReadOnlyList<Ipv4Network> Taken, long Revision, bool IsWhole)
{
    /// <summary>The ranges of the vSwitches by VPC id, as the route controller published them; empty while it has not.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Ipv4Network>> VSwitches { get; init; } = NoVSwitches;

    private static readonly IReadOnlyDictionary<string, IReadOnlyList<Ipv4Network>> NoVSwitches =
        new Dictionary<string, IReadOnlyList<Ipv4Network>>();

    /// <summary>Only the asking node's own lease was read: enough to go on with it, nothing to choose another by.</summary>
    public bool IsOwnLeaseOnly { get; init; }

    /// <summary>etcd's revision of the last write of the pointer under the asking node's address; 0 while there is none, null when it was
    /// not read. Whoever takes the address for a new lease writes the pointer.</summary>
    public long? AddressPointerRevision { get; init; }

    /// <summary>Of the state that a refused creation answered with: whether nothing in it explains the refusal. Then a key that names no
    /// subnet lies, as text, among the keys of the subnet.</summary>
    /// <param name="decidedOn">The configuration that the creation compared.</param>
    internal bool IsRefusedByUnreadableKey(Ipv4Network subnet, ConfigState decidedOn) =>
        Config.ModRevision == decidedOn.ModRevision && !Taken.Any(subnet.Overlaps);

    public LeaseSnapshot ToSnapshot() => new((Config as ConfigState.Present)?.Config, Leases, Revision, IsWhole && !IsOwnLeaseOnly);
}
