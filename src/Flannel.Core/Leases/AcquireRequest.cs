using Flannel.Core.Addresses;
using Flannel.Core.Configuration;

namespace Flannel.Core.Leases;

/// <summary>A request for a node's subnet.</summary>
/// <param name="Owner">The node that the subnet is for.</param>
/// <param name="AttributesFor">The attributes of the lease under a configuration; null if the node does not support the configuration (a
/// backend that this build does not have). Called again if the configuration changes meanwhile.</param>
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
    public Action<Lease>? OnDeleting { get; init; }

    /// <summary>Called with each state that is read.</summary>
    public Action<SubnetState>? OnRead { get; init; }
}

/// <summary>A wait for a usable network configuration.</summary>
/// <param name="OnUnusable">Called once for each configuration that cannot be used, and once if there is none.</param>
public sealed record ConfigRequest(Action<ConfigState> OnUnusable)
{
    /// <summary>The node that asks, so that no more is read than it needs; null to read everything.</summary>
    public LeaseOwner? Owner { get; init; }

    /// <summary>Called with each state that is read. Returns how long at most to wait until the next read.</summary>
    public Func<SubnetState, TimeSpan>? OnRead { get; init; }

    /// <summary>Reads until the configuration is usable.</summary>
    /// <param name="known">As it was just read; null to read it.</param>
    /// <param name="waitForChange">Returns when the configuration has changed since a revision, or after a time.</param>
    public async Task<SubnetState> WaitAsync(
        SubnetState? known, Func<Task<SubnetState>> read, Func<long, TimeSpan, Task> waitForChange)
    {
        ConfigState? lastReported = null;
        for (var state = known; ; state = null)
        {
            state ??= await read();
            var atMost = OnRead?.Invoke(state) ?? Timeout.InfiniteTimeSpan;
            if (state.Config is ConfigState.Present) return state;
            if (state.Config != lastReported) OnUnusable(lastReported = state.Config);
            await waitForChange(state.Revision, atMost);
        }
    }
}
