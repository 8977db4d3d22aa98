using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <param name="Owner">Who the subnet is for.</param>
/// <param name="AttributesFor">What the lease's value is to be under a configuration; null to refuse the configuration (a backend that
/// this node has not).
/// May be asked again when the configuration changes under way.</param>
public sealed record AcquireRequest(LeaseOwner Owner, Func<NetworkConfig, LeaseAttributes?> AttributesFor)
{
    /// <summary>Ranges that a new subnet must not overlap, such as that of the node's vSwitch, which the VPC itself routes.</summary>
    public IReadOnlyList<Ipv4Network> Excluded { get; init; } = [];

    /// <summary>Ranges that a new subnet overlaps only if nothing else is free.</summary>
    public IReadOnlyList<Ipv4Network> Avoided { get; init; } = [];

    /// <summary>The VPC whose vSwitches' ranges, as far as the route controller has published them, are excluded too; null for
    /// none.</summary>
    public string? VpcId { get; init; }

    /// <summary>Called before a lease of this node is deleted because it does not fit the configuration: the host must not use the subnet
    /// any more.</summary>
    public Action<Lease>? OnGivingUp { get; init; }

    /// <summary>Called with every state that is read while etcd is waited for.</summary>
    public Action<RegistryState>? OnRead { get; init; }

    public AcquireRequest(Ipv4Address publicIp, Ipv4Network? previousSubnet, Func<NetworkConfig, LeaseAttributes?> attributesFor)
        : this(new LeaseOwner(publicIp, previousSubnet), attributesFor)
    {
    }
}

/// <summary>How the wish for a subnet ended.</summary>
public abstract record AcquireResult
{
    public sealed record Held(HeldLease Lease) : AcquireResult;

    /// <summary>There is no configuration to lease under: <see cref="SubnetRegistry.WaitForConfigAsync"/>.</summary>
    public sealed record NoConfig(ConfigState Config) : AcquireResult;

    /// <summary><see cref="AcquireRequest.AttributesFor"/> said no.</summary>
    public sealed record NotWanted(NetworkConfig Config) : AcquireResult;

    /// <summary>Every subnet of the range is leased or excluded. One may become free:
    /// <see cref="SubnetRegistry.WaitForRoomAsync"/>.</summary>
    public sealed record OutOfSubnets(NetworkConfig Config, long Revision) : AcquireResult;

    /// <summary>Another instance uses this node's public address, and nothing proves that it is gone. Nothing was changed.</summary>
    /// <param name="Lease">The other's.</param>
    public sealed record AddressInUse(Lease Lease) : AcquireResult;

    /// <summary>etcd refuses in a way that waiting does not heal.</summary>
    public sealed record Refused(EtcdException Error) : AcquireResult;
}

/// <summary>A subnet that is this node's own.</summary>
/// <param name="Config">What it was acquired under.</param>
/// <param name="ConfigRevision">etcd's revision of that configuration.</param>
/// <param name="WasFound">It was this node's before (a lease found by the public address, or a reservation).</param>
/// <param name="Life">How long; null for a reservation, which has no end.</param>
public sealed record HeldLease(Lease Lease, NetworkConfig Config, long ConfigRevision, bool WasFound, LeaseExpiry? Life);

/// <summary>The life of an etcd lease by this machine's own clock, on the safe side: counted from before the request that began it was
/// sent.</summary>
/// <param name="Begin">A timestamp of the <see cref="TimeProvider"/>.</param>
public readonly record struct LeaseExpiry(long Begin, TimeSpan TimeToLive)
{
    /// <summary>What is left, in whole milliseconds as timers count them: a fraction of one would be waited for with a timer of none, again
    /// and again. Zero or negative when it is over.</summary>
    public TimeSpan Remaining(TimeProvider time) => EtcdDurations.Whole(TimeToLive - time.GetElapsedTime(Begin));
}
