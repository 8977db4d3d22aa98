using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Commands.Check;
using Flanneld.Host.Interfaces;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>How the node's search for a subnet ended.</summary>
internal abstract record LeasingResult
{
    private LeasingResult()
    {
    }

    /// <param name="Identity">Who holds the lease; null where the backend does not need to know.</param>
    public sealed record Held(HeldLease Lease, InstanceIdentity? Identity) : LeasingResult;

    /// <param name="Reason">One line that says why waiting cannot help.</param>
    public sealed record Failed(string Reason) : LeasingResult;
}

/// <summary>What the node is known by in its lease.</summary>
/// <param name="PreviousSubnet">What it had before; null without one.</param>
internal sealed record NodeAddress(Ipv4Address PublicIp, string? PublicIpv6, Ipv4Network? PreviousSubnet);

/// <summary>From nothing to a held lease: waits for a configuration that this build can serve, then takes the node's subnet. The
/// <c>subnet.env</c> of an earlier run is removed as soon as etcd says that its subnet is not this node's any more.</summary>
/// <param name="waiting">Told what the node waits for.</param>
/// <param name="onConfigMissing">Called when there is no configuration, once for each time.</param>
internal sealed class NodeLeasing(
    SubnetRegistry registry, EtcdKeys keys, NodeAddress address, INodeIdentity identity, FormerSubnet former, Action<string> waiting,
    TimeProvider time, ILogger logger, Action? onConfigMissing = null)
{
    // etcd is watched meanwhile; this is only how long a wait may take before the reason is checked anew.
    private static readonly TimeSpan Recheck = TimeSpan.FromMinutes(5);

    // Timers stand still while the machine is suspended: the clock is read at least so often.
    private static readonly TimeSpan ClockCheck = TimeSpan.FromSeconds(15);

    private readonly string configKey = keys.Config.ToStringUtf8();
    private InstanceIdentity? self;
    private long lastAnswerAt;

    /// <summary>Who asks, as far as is known now.</summary>
    private LeaseOwner Owner()
    {
        var owner = new LeaseOwner(address.PublicIp, address.PreviousSubnet);
        if ((self ?? identity.Current) is not { } known) return owner;
        return owner with
        {
            Instance = new LeaseInstance(known.InstanceId, known.VpcId),
            IsAddressConfirmed = known.PrivateAddresses.Contains(address.PublicIp) && !HostInterface.IsLinkLocal(address.PublicIp),
        };
    }

    public async Task<LeasingResult> TakeAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref lastAnswerAt, time.GetTimestamp());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // Beside all of it: whatever is waited for, nobody renews the lease of before.
        var expiring = ExpireAsync(stop.Token);
        try
        {
            return await SearchAsync(cancellation);
        }
        catch (EtcdException e)
        {
            return new LeasingResult.Failed($"etcd: {e.Message}");
        }
        finally
        {
            stop.Cancel();
            await expiring.ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }

    private async Task<LeasingResult> SearchAsync(CancellationToken cancellation)
    {
        RegistryState? known = null;
        string? refused = null;
        while (true)
        {
            known = await WaitForConfigAsync(known, cancellation);
            var config = ((ConfigState.Present)known.Config).Config;
            if (NodeBackend.Refusal(config) is { } refusal)
            {
                if (refused != refusal) Refuse(refused = refusal);
                await registry.WaitForConfigChangeAsync(known.Revision, Shorter(former.Recheck), cancellation);
                known = null;
                continue;
            }

            LogConfig(config);
            if (NodeBackend.NeedsRoutes(config) && self is null)
            {
                var wasKnown = identity.Current is not null;
                if (await IdentifyAsync(cancellation) is { } failed) return failed;
                // While the metadata service was waited for, all of it may have changed.
                known = wasKnown ? known : await WaitForConfigAsync(null, cancellation);
            }

            former.Check(known, Owner());
            if (await AcquireAsync(known, cancellation) is { } result) return result;
            known = null;
        }
    }

    private static Ipv4Network[] RangesOf(Ipv4Network? range) => range is { } known ? [known] : [];

    /// <summary>Null to try again.</summary>
    private async Task<LeasingResult?> AcquireAsync(RegistryState known, CancellationToken cancellation)
    {
        var request = new AcquireRequest(Owner(), config => NodeBackend.AttributesFor(config, address.PublicIp, address.PublicIpv6, self))
        {
            Excluded = RangesOf(self?.VSwitchRange),
            Avoided = RangesOf(self?.VpcRange),
            VpcId = self?.VpcId,
            OnRead = state => Check(state),
            OnGivingUp = lease => former.Remove($"subnet {lease.Subnet} does not fit the network configuration any more"),
        };
        switch (await registry.AcquireAsync(request, cancellation, known))
        {
            case AcquireResult.Held held:
                NodeLog.Subnet(logger, held.Lease.Lease.Subnet, How(held.Lease));
                return new LeasingResult.Held(held.Lease, NodeBackend.NeedsRoutes(held.Lease.Config) ? self : null);
            case AcquireResult.Refused error:
                return new LeasingResult.Failed($"etcd: {error.Error.Message}");
            case AcquireResult.AddressInUse when self is null && identity.Current is null:
                // The backend alone would not need it.
                return await IdentifyAsync(cancellation);
            case AcquireResult.AddressInUse inUse:
                return new LeasingResult.Failed(Describe(inUse.Lease));
            case AcquireResult.OutOfSubnets full:
                NodeLog.OutOfSubnets(logger, full.Config.SubnetCount, full.Config.Network);
                waiting("out of subnets: waiting for one to become free");
                await registry.WaitForRoomAsync(full.Revision, Shorter(former.Recheck), cancellation);
                return null;
            default:
                return null; // the configuration changed under way: the new one is read
        }
    }

    /// <summary>The first state with a configuration. The file of an earlier run is checked with each state that is read.</summary>
    private Task<RegistryState> WaitForConfigAsync(RegistryState? known, CancellationToken cancellation) =>
        registry.WaitForConfigAsync(ReportConfig, cancellation, known, Owner(), Check);

    /// <returns>After how long etcd is to be read again.</returns>
    private TimeSpan Check(RegistryState state)
    {
        Volatile.Write(ref lastAnswerAt, time.GetTimestamp());
        former.Check(state, Owner());
        return former.Recheck;
    }

    /// <summary>Nobody renews the lease of before while etcd is unavailable: it does not outlive its time.</summary>
    private async Task ExpireAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var left = new LeaseExpiry(Volatile.Read(ref lastAnswerAt), registry.LeaseTime).Remaining(time);
            if (left <= TimeSpan.Zero) former.Remove("its lease expired while etcd was unavailable");
            await Task.Delay(left > TimeSpan.Zero && left < ClockCheck ? left : ClockCheck, time, cancellation);
        }
    }

    /// <summary>Null when it is known who this node is. The metadata service may be away for longer than the lease of before lives, so the
    /// file is looked after meanwhile.</summary>
    private async Task<LeasingResult?> IdentifyAsync(CancellationToken cancellation)
    {
        var reading = identity.ReadAsync();
        while (!reading.IsCompleted)
        {
            waiting("waiting for the metadata service to say which instance this is");
            var recheck = former.Recheck;
            await TaskWait.WaitAsync(reading, recheck, time, cancellation);
            if (!reading.IsCompleted && recheck != Timeout.InfiniteTimeSpan) await WaitForConfigAsync(null, cancellation);
        }

        var result = await reading;
        self = (result as IdentityResult.Known)?.Identity;
        return result is IdentityResult.Impossible impossible ? new LeasingResult.Failed(impossible.Reason) : null;
    }

    private static TimeSpan Shorter(TimeSpan recheck) => recheck == Timeout.InfiniteTimeSpan || recheck > Recheck ? Recheck : recheck;

    private string Describe(Lease lease) =>
        $"{LeaseInstance.Read(lease.Attributes)?.Id} uses this node's public address {address.PublicIp} and holds {lease.Subnet}:"
        + " give this node an address of its own (--public-ip, FLANNELD_PUBLIC_IP),"
        + $" or, if that instance is gone for good, delete its lease: etcdctl del {keys.Subnets}{lease.Key}";

    private static string How(HeldLease held) => held switch
    {
        { Lease.IsReservation: true } => "is reserved for this node",
        { WasFound: true } => "was this node's before",
        _ => "is new for this node",
    };

    private void LogConfig(NetworkConfig config)
    {
        NodeLog.Config(logger, config.Network, config.SubnetLength, config.SubnetMin, config.SubnetMax, config.BackendType);
        if (config.Ipv6Network is not null) NodeLog.Ipv6NotRouted(logger);
        foreach (var line in NodeBackend.Warnings(config)) NodeLog.ConfigWarning(logger, line);
    }

    private void ReportConfig(ConfigState state)
    {
        if (state is ConfigState.Refused refused)
        {
            Refuse(refused.Error);
            return;
        }

        NodeLog.ConfigMissing(logger, configKey);
        onConfigMissing?.Invoke();
        waiting($"waiting for the network configuration at {configKey}");
    }

    private void Refuse(string error)
    {
        NodeLog.ConfigRefused(logger, configKey, error);
        waiting($"the network configuration at {configKey} is refused: {error}");
    }
}
