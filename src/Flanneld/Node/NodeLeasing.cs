using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flanneld.Backends;
using Flanneld.Host.Interfaces;
using Flanneld.Vxlan;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The lease that the node holds.</summary>
/// <param name="Backend">Of the configuration that it was acquired under.</param>
/// <param name="Identity">This node's instance; null where the backend requires no route.</param>
internal sealed record LeasedSubnet(HeldLease Held, IBackend Backend, InstanceIdentity? Identity);

/// <summary>What identifies the node in its lease.</summary>
/// <param name="PublicIpv6">That of <c>--public-ipv6</c>; null without it.</param>
/// <param name="PreviousSubnet">Of an earlier run; null without one.</param>
internal sealed record NodeAddress(Ipv4Address PublicIp, IpAddress? PublicIpv6, Ipv4Network? PreviousSubnet)
{
    /// <summary>The IPv6 address of the interface between the hosts; null without one.</summary>
    public IpAddress? InterfaceIpv6 { get; init; }

    /// <summary>Of an earlier run; null without one.</summary>
    public Ipv6Network? PreviousIpv6Subnet { get; init; }

    /// <summary>The address to publish in a dual-stack cluster; null without one.</summary>
    public IpAddress? DualStackIpv6 => PublicIpv6 ?? InterfaceIpv6;
}

/// <summary>Acquires the node's lease: waits for a configuration that this build supports, then takes the node's subnet. The
/// <c>subnet.env</c> of an earlier run is removed as soon as the subnet manager reports that its subnet is no longer this node's.</summary>
internal sealed class NodeLeasing(
    ISubnetManager subnets, NodeAddress address, INodeIdentity identity, EarlierSubnetFile earlierFile, TimeProvider time, ILogger logger)
{
    // The subnet manager is watched meanwhile. This limits a wait whose watch misses the change.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    // Timers stop while the machine is suspended: the clock is read at least this often.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(15);

    private readonly BackendCache backends = new();
    private InstanceIdentity? self;
    private VtepMacs? vtepMacs;
    private long lastAnswerAt;
    private string? lastUnassigned;

    /// <summary>Receives what the node waits for.</summary>
    public Action<string>? OnWaiting { get; init; }

    /// <summary>Called each time that there is no configuration.</summary>
    public Action? OnConfigMissing { get; init; }

    /// <summary>Called while a subnet is leased for which no earlier run of this node can have a route.</summary>
    public Action<IBackend, InstanceIdentity>? OnLeasing { get; init; }

    /// <summary>Sets up the device of the tunnel; null on a host that cannot have one.</summary>
    public VxlanPreparation? Vxlan { get; init; }

    /// <summary>Completes when the lease is held. Fails when a retry cannot help.</summary>
    public async Task<Result<LeasedSubnet>> LeaseAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref lastAnswerAt, time.GetTimestamp());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Whatever the node waits for, it does not renew the earlier lease meanwhile.
        var expiring = RemoveFileAtExpiryAsync(stop.Token);
        try
        {
            return await ReadConfigAndAcquireAsync(cancellation);
        }
        catch (SubnetManagerException e)
        {
            return Result.Failure(e.Summary);
        }
        finally
        {
            stop.Cancel();
            await expiring.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private async Task<Result<LeasedSubnet>> ReadConfigAndAcquireAsync(CancellationToken cancellation)
    {
        SubnetState? state = null;
        string? lastReported = null;
        while (true)
        {
            state = await WaitForConfigAsync(state, cancellation);
            var config = ((ConfigState.Present)state.Config).Config;
            var backend = backends.Get(config);
            if (!backend.Ok)
            {
                if (lastReported != backend.Error) ReportInvalid(lastReported = backend.Error);
                await subnets.WaitForConfigChangeAsync(state.Revision, Shorter(earlierFile.RecheckInterval), cancellation);
                state = null;
                continue;
            }

            LogConfig(config);
            if (config.Ipv6 is not null && address.DualStackIpv6 is null)
            {
                return Result.Failure("EnableIPv6 is true, and the interface between the hosts has no IPv6 address other than link-local"
                    + " ones: give it one, or choose another with --iface");
            }

            if (backend.Value.RequiresRoute && self is null)
            {
                var wasKnown = identity.Current is not null;
                var identified = await IdentifyAsync(cancellation);
                if (!identified.Ok) return Result.Failure(identified.Error);
                // Configuration and leases may have changed during the wait for the metadata service.
                if (!wasKnown) state = await WaitForConfigAsync(null, cancellation);
            }

            earlierFile.Check(state, Owner());
            var prepared = await PrepareAsync(backend.Value, state, cancellation);
            if (!prepared.Ok) return Result.Failure(prepared.Error);
            var acquiring = AcquireAsync(state, cancellation);
            if (self is { } known && state.Leases.All(lease => Owner().Classify(lease) != LeaseOwnerKind.Own))
                OnLeasing?.Invoke(backend.Value, known);
            if (await acquiring is { } result) return result;
            state = null;
        }
    }

    /// <summary>Sets up what the lease will describe.</summary>
    private async Task<Result<Unit>> PrepareAsync(IBackend backend, SubnetState state, CancellationToken cancellation)
    {
        if (backend.Tunnel is not { } tunnel || Vxlan is null) return Unit.Instance;
        var config = ((ConfigState.Present)state.Config).Config;
        var own = state.Leases.FirstOrDefault(lease => Owner().Classify(lease) == LeaseOwnerKind.Own);
        var ipv6 = backend.HasIpv6Tunnel ? config.Ipv6?.Network : null;
        var prepared = await Vxlan.RunAsync(tunnel, config.Network, ipv6, own, cancellation);
        if (prepared.Ok) vtepMacs = prepared.Value;
        return prepared.Select(_ => Unit.Instance);
    }

    /// <returns>Null to read the configuration again.</returns>
    private async Task<Result<LeasedSubnet>?> AcquireAsync(SubnetState state, CancellationToken cancellation)
    {
        var request = CreateRequest();
        switch (await subnets.AcquireAsync(request, state, cancellation))
        {
            case AcquireResult.Held { Lease: var held }:
                NodeLog.Subnet(logger, held.Lease.Subnet, Describe(held));
                if (held.Config.Ipv6 is not null && held.Lease.Key.Ipv6Subnet is { } ipv6Subnet)
                    NodeLog.Ipv6Subnet(logger, ipv6Subnet);
                var backend = backends.Get(held.Config).Value;
                return (Result<LeasedSubnet>)new LeasedSubnet(held, backend, backend.RequiresRoute ? self : null);
            case AcquireResult.Rejected rejected:
                return Result.Failure(rejected.Error.Summary);
            case AcquireResult.AddressInUse when request.Owner.Instance is null:
                // The backend does not require the identity; the decision about the address does. It may have become known meanwhile.
                var identified = await IdentifyAsync(cancellation);
                return identified.Ok ? null : (Result<LeasedSubnet>)Result.Failure(identified.Error);
            case AcquireResult.AddressInUse inUse:
                return Result.Failure(DescribeAddressInUse(inUse.Lease));
            case AcquireResult.OutOfSubnets full:
                if (full is { IsIpv6: true, Config.Ipv6: { } ipv6 }) NodeLog.OutOfSubnets(logger, ipv6.SubnetCount, ipv6.Network);
                else NodeLog.OutOfSubnets(logger, full.Config.SubnetCount, full.Config.Network);
                OnWaiting?.Invoke("out of subnets: waiting for a free one");
                await subnets.WaitForFreeSubnetAsync(full.Revision, Shorter(earlierFile.RecheckInterval), cancellation);
                return null;
            case AcquireResult.Unassigned unassigned:
                ReportUnassigned(unassigned);
                await subnets.WaitForAssignmentAsync(unassigned, Shorter(earlierFile.RecheckInterval), cancellation);
                return null;
            default:
                // The configuration changed meanwhile.
                return null;
        }
    }

    /// <summary>Logs each reason once in a row: the node retries.</summary>
    private void ReportUnassigned(AcquireResult.Unassigned result)
    {
        OnWaiting?.Invoke(result.Reason);
        if (lastUnassigned == result.Reason) return;
        lastUnassigned = result.Reason;
        if (result is AcquireResult.OutsideNetwork) NodeLog.SubnetOutsideNetwork(logger, result.Reason);
        else NodeLog.SubnetAwaited(logger, result.Reason);
    }

    private AcquireRequest CreateRequest() => new(Owner(), CreateAttributes)
    {
        Excluded = RangesOf(self?.VSwitchRange),
        Avoided = RangesOf(self?.VpcRange),
        VpcId = self?.VpcId,
        OnRead = state => Check(state),
        OnDeleting = lease => earlierFile.Remove($"lease {lease.Key} no longer fits the network configuration"),
    };

    private LeaseAttributes? CreateAttributes(NetworkConfig config)
    {
        var backend = backends.Get(config);
        if (!backend.Ok) return null;
        var ipv6 = config.Ipv6 is null ? address.PublicIpv6 : address.DualStackIpv6;
        if (config.Ipv6 is not null && ipv6 is null) return null;
        var node = new BackendNode(address.PublicIp, ipv6?.ToString())
        {
            Identity = self,
            VtepMac = vtepMacs?.V4,
            VtepMacV6 = vtepMacs?.V6,
        };
        return backend.Value.CreateAttributes(node);
    }

    private static Ipv4Network[] RangesOf(Ipv4Network? range) => range is { } known ? [known] : [];

    /// <summary>This node, as far as it is known now.</summary>
    private LeaseOwner Owner()
    {
        var owner = new LeaseOwner(address.PublicIp, address.PreviousSubnet) { PreviousIpv6Subnet = address.PreviousIpv6Subnet };
        if ((self ?? identity.Current) is not { } known) return owner;
        return owner with
        {
            Instance = new LeaseInstance(known.InstanceId, known.VpcId),
            IsAddressConfirmed = known.PrivateAddresses.Contains(address.PublicIp) && !HostInterface.IsLinkLocal(address.PublicIp),
        };
    }

    /// <summary>The first state with a configuration. The file of an earlier run is checked with each state that is read.</summary>
    private Task<SubnetState> WaitForConfigAsync(SubnetState? known, CancellationToken cancellation) =>
        subnets.WaitForConfigAsync(new ConfigRequest(ReportConfig) { Owner = Owner(), OnRead = Check }, known, cancellation);

    /// <returns>How long at most to wait until the next read.</returns>
    private TimeSpan Check(SubnetState state)
    {
        Volatile.Write(ref lastAnswerAt, time.GetTimestamp());
        earlierFile.Check(state, Owner());
        return earlierFile.RecheckInterval;
    }

    /// <summary>Nothing renews the earlier lease while the subnet manager is unavailable: the file must not exist longer than the
    /// lease.</summary>
    private async Task RemoveFileAtExpiryAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var left = new LeaseExpiry(Volatile.Read(ref lastAnswerAt), subnets.LeaseTime).Remaining(time);
            if (left <= TimeSpan.Zero) earlierFile.Remove($"its lease expired while {subnets.Name} was unavailable");
            await Task.Delay(left > TimeSpan.Zero && left < ClockCheck ? left : ClockCheck, time, cancellation);
        }
    }

    /// <summary>Waits for the identity. The metadata service may be unavailable for longer than the earlier lease lives, so the leases are
    /// read and the file is checked meanwhile.</summary>
    private async Task<Result<InstanceIdentity>> IdentifyAsync(CancellationToken cancellation)
    {
        var reading = identity.ReadAsync();
        while (!reading.IsCompleted)
        {
            OnWaiting?.Invoke("waiting for the metadata service to identify this instance");
            var recheck = earlierFile.RecheckInterval;
            await TaskWait.WaitAsync(reading, recheck, time, cancellation);
            if (!reading.IsCompleted && recheck != Timeout.InfiniteTimeSpan) await WaitForConfigAsync(null, cancellation);
        }

        var result = await reading;
        if (result.Ok) self = result.Value;
        return result;
    }

    private static TimeSpan Shorter(TimeSpan recheck) =>
        recheck == Timeout.InfiniteTimeSpan || recheck > LongestWait ? LongestWait : recheck;

    private string DescribeAddressInUse(Lease lease) =>
        $"{LeaseInstance.Read(lease.Attributes)?.Id} uses this node's public address {address.PublicIp} and holds {lease.Subnet}:"
        + " give this node an address of its own (--public-ip, FLANNELD_PUBLIC_IP),"
        + $" or, if that instance no longer exists, delete its lease: {subnets.DeletionCommand(lease.Key)}";

    private static string Describe(HeldLease held) => held switch
    {
        { Lease.IsReservation: true } => "is reserved for this node",
        { WasFound: true } => "was already leased by this node",
        _ => "is newly leased",
    };

    private void LogConfig(NetworkConfig config)
    {
        NodeLog.Config(logger, config.Network, config.SubnetLength, config.SubnetMin, config.SubnetMax, config.BackendType);
        if (config.Ipv6 is { } ipv6)
        {
            var (min, max) = (IpAddress.V6(ipv6.SubnetMin), IpAddress.V6(ipv6.SubnetMax));
            NodeLog.Ipv6Config(logger, ipv6.Network, ipv6.SubnetLength, min, max);
        }

        foreach (var line in BackendFactory.Warnings(config)) NodeLog.ConfigWarning(logger, line);
    }

    private void ReportConfig(ConfigState state)
    {
        if (state is ConfigState.Invalid invalid)
        {
            ReportInvalid(invalid.Error);
            return;
        }

        NodeLog.ConfigMissing(logger, subnets.ConfigLocation, subnets.ConfigCommand);
        OnConfigMissing?.Invoke();
        OnWaiting?.Invoke($"waiting for the network configuration at {subnets.ConfigLocation}");
    }

    private void ReportInvalid(string error)
    {
        NodeLog.ConfigInvalid(logger, subnets.ConfigLocation, error);
        OnWaiting?.Invoke($"invalid network configuration at {subnets.ConfigLocation}: {error}");
    }
}
