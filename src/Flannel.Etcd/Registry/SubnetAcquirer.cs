using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>One acquisition of a subnet, from the first read to the held lease. Every write is a compare-and-swap on the state that it was
/// decided on. After a write whose response was lost, the next read finds the lease by its instance or public address.</summary>
internal sealed class SubnetAcquirer(EtcdContext context, RegistryReader reader, AcquireRequest request, TimeSpan leaseTime)
{
    private const int RacesBeforePause = 3;
    private static readonly TimeSpan FirstRacePause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestRacePause = TimeSpan.FromSeconds(1);

    private readonly LeaseWrites writes = new(context.Keys);
    private readonly GrantedLease granted = new(context, leaseTime);
    private readonly EtcdRetryPolicy readPolicy = context.NewRetryPolicy();

    // Separate from that of the reads: while etcd's disk is full, reads succeed and must not reset the back-off of the writes.
    private readonly EtcdRetryPolicy writePolicy = context.NewRetryPolicy();
    private readonly Backoff races = new(FirstRacePause, LongestRacePause, context.Random);
    private readonly HashSet<SubnetKey> logged = [];
    private long addressPointerRevision;

    // Subnets that no readable key overlaps, but that etcd rejects because a key that names no subnet sorts among their keys.
    private readonly HashSet<Ipv4Network> blocked = [];

    /// <summary>A result, or the state to decide on next; with neither, the state is read.</summary>
    private readonly record struct Step(AcquireResult? Result, RegistryState? Next)
    {
        public static Step ReadAgain => default;

        public static implicit operator Step(AcquireResult result) => new(result, null);

        public static implicit operator Step(RegistryState next) => new(null, next);
    }

    /// <param name="known">A state that was just read; null to read it.</param>
    public async Task<AcquireResult> RunAsync(RegistryState? known, CancellationToken cancellation)
    {
        long used = 0;
        try
        {
            var state = known ?? await ReadAsync(cancellation);
            while (true)
            {
                var step = await TryStepAsync(state, cancellation);
                if (step.Result is AcquireResult.Held held) used = held.Lease.Lease.EtcdLeaseId;
                if (step.Result is { } result) return result;
                state = step.Next ?? await ReadAsync(cancellation);
            }
        }
        catch (EtcdException e)
        {
            return new AcquireResult.Rejected(e);
        }
        finally
        {
            await granted.RevokeUnusedAsync(used);
        }
    }

    private async Task<Step> TryStepAsync(RegistryState state, CancellationToken cancellation)
    {
        try
        {
            return await StepAsync(state, cancellation);
        }
        catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
        {
            // The granted etcd lease has expired meanwhile.
            granted.Abandon();
        }
        catch (EtcdException e) when (e.CanRecover)
        {
            await writePolicy.PauseAsync(e, cancellation);
        }

        return Step.ReadAgain;
    }

    private async Task<RegistryState> ReadAsync(CancellationToken cancellation)
    {
        var state = await readPolicy.RetryAsync(
            token => reader.ReadAsync(request.Owner, token), retryRejected: false, cancellation);
        request.OnRead?.Invoke(state);
        return state;
    }

    private async Task<Step> StepAsync(RegistryState state, CancellationToken cancellation)
    {
        addressPointerRevision = state.AddressPointerRevision ?? addressPointerRevision;
        if (state.Config is not ConfigState.Present { Config: var config }) return new AcquireResult.NoConfig(state.Config);
        if (request.AttributesFor(config) is not { } attributes) return new AcquireResult.UnsupportedConfig(config);
        // The instance in a lease is compared with the one that would be written.
        var owner = request.Owner.Instance is null ? request.Owner with { Instance = LeaseInstance.Read(attributes) } : request.Owner;
        var match = LeaseMatcher.Choose(state, config, owner);
        // The own lease is deleted or replaced, or will get another address, which another node may use: the decision needs all leases.
        if (state.IsOwnLeaseOnly
            && (match.Found?.Attributes.PublicIp != owner.PublicIp || !LeaseMatcher.HasRequiredIpv6(config, match.Found)))
            return await reader.ParseAsync(await reader.RequestAsync(cancellation), owner, cancellation);
        if (match.AddressInUse is { } other)
        {
            if (match.Found?.Attributes.PublicIp != owner.PublicIp) return new AcquireResult.AddressInUse(other);
            if (logged.Add(other.Key)) EtcdLog.AddressShared(context.Logger, owner.PublicIp, InstanceIdOf(other), other.Key);
        }

        foreach (var reservation in match.UnfitReservations)
        {
            if (logged.Add(reservation.Key)) EtcdLog.UnfitReservation(context.Logger, reservation.Key, config.ToString());
        }

        if (match.Found is { } found)
        {
            if (owner.Classify(found) == LeaseOwnerKind.OfFormerInstance)
                EtcdLog.TakenOver(context.Logger, found.Key, InstanceIdOf(found), owner.PublicIp);
            return await UseAsync(found, attributes, config, state, cancellation);
        }

        if (match.Unfit is { } unfit) return await DeleteAsync(unfit, config, cancellation);
        return await CreateAsync(state, attributes, config, cancellation);
    }

    private static string InstanceIdOf(Lease lease) => LeaseInstance.Read(lease.Attributes)?.Id ?? "";

    /// <summary>The lease is this node's already: it is renewed. Its key is replaced if the configuration requires another IPv6 subnet or
    /// none, and its value if it differs.</summary>
    private async Task<Step> UseAsync(
        Lease found, LeaseAttributes attributes, NetworkConfig config, RegistryState state, CancellationToken cancellation)
    {
        LeaseExpiry? expiry = null;
        if (!found.IsReservation)
        {
            var begin = context.Time.GetTimestamp();
            // Expired since it was read, and the key with it.
            if (await context.Etcd.LeaseKeepAliveOnceAsync(found.EtcdLeaseId, cancellation) is not { } timeToLive) return Step.ReadAgain;
            expiry = new LeaseExpiry(begin, timeToLive);
        }

        if (!LeaseMatcher.HasRequiredIpv6(config, found))
            return await ReplaceAsync(Held(), attributes, state, cancellation);
        if (found.Attributes != attributes)
        {
            var response = await context.Etcd.TxnAsync(writes.Update(found, attributes, state.Config), cancellation);
            if (!response.Succeeded) return await reader.ParseAsync(response, request.Owner, cancellation);
            found = found with { Attributes = attributes, Version = response.Header.Revision };
        }

        return Use(Held(), state);

        HeldLease Held() => new(found, config, state.Config.ModRevision, WasFound: true, expiry);
    }

    /// <summary>The configuration requires another IPv6 subnet, or none: the node keeps its IPv4 subnet under another key.</summary>
    private async Task<Step> ReplaceAsync(HeldLease held, LeaseAttributes attributes, RegistryState state, CancellationToken cancellation)
    {
        var found = held.Lease;
        if (ChooseKey(found.Subnet, state, held.Config) is not { } key)
            return new AcquireResult.OutOfSubnets(held.Config, state.Revision) { IsIpv6 = true };
        // The host may use the former IPv6 subnet.
        if (found.Key.Ipv6Subnet is not null) request.OnDeleting?.Invoke(found);
        var response = await context.Etcd.TxnAsync(writes.Replace(found, key, attributes, state), cancellation);
        if (!response.Succeeded)
            return await RetryAfterRaceAsync(key, await reader.ParseAsync(response, request.Owner, cancellation), cancellation);
        var revision = response.Header.Revision;
        var replaced = new Lease(key, attributes, new EtcdLeaseIdentity(revision, found.EtcdLeaseId), revision);
        if (key.Ipv6Subnet is not null && LeaseWrites.IsRestored(response, state))
        {
            await context.Etcd.TxnAsync(writes.WithoutIpv6(replaced), cancellation);
            return Step.ReadAgain;
        }

        EtcdLog.Replaced(context.Logger, found.Key, key, held.Config.ToString());
        return Use(held with { Lease = replaced, IsKeyReplaced = true }, state);
    }

    private AcquireResult.Held Use(HeldLease held, RegistryState state)
    {
        ReportOverlap(held.Lease, state);
        EtcdLog.Found(context.Logger, held.Lease.IsReservation ? "reservation" : "lease", held.Lease.Key);
        return new AcquireResult.Held(held);
    }

    private async Task<RegistryState> DeleteAsync(Lease unfit, NetworkConfig config, CancellationToken cancellation)
    {
        EtcdLog.UnfitLease(context.Logger, unfit.Key, config.ToString());
        request.OnDeleting?.Invoke(unfit);
        var response = await context.Etcd.TxnAsync(writes.Delete(unfit), cancellation);
        var state = await reader.ParseAsync(response, request.Owner, cancellation);
        if (!response.Succeeded) return state;
        // Deletes what else is attached, such as the route status.
        await granted.RevokeAsync(unfit.EtcdLeaseId, cancellation);
        return state;
    }

    private async Task<Step> CreateAsync(
        RegistryState state, LeaseAttributes attributes, NetworkConfig config, CancellationToken cancellation)
    {
        if (Choose(state, config) is not { } subnet) return new AcquireResult.OutOfSubnets(config, state.Revision);
        if (ChooseKey(subnet, state, config) is not { } key)
            return new AcquireResult.OutOfSubnets(config, state.Revision) { IsIpv6 = true };
        await granted.EnsureAsync(cancellation);
        var pointerRevision = addressPointerRevision;
        var create = writes.Create(key, attributes, granted.Id, state, pointerRevision);
        var response = await context.Etcd.TxnAsync(create, cancellation);
        if (!response.Succeeded)
        {
            addressPointerRevision = response.Responses[0].ResponseRange.Kvs.FirstOrDefault()?.ModRevision ?? 0;
            var fresh = await reader.ParseAsync(response, request.Owner, cancellation);
            // A pointer that another node wrote explains the failure, too.
            if (addressPointerRevision == pointerRevision && fresh.IsBlockedByUnreadableKey(key, state) && blocked.Add(subnet))
                EtcdLog.BlockedByUnreadableKey(context.Logger, subnet);
            return await RetryAfterRaceAsync(key, fresh, cancellation);
        }

        if (key.Ipv6Subnet is not null && LeaseWrites.IsRestored(response, state))
        {
            await granted.DiscardAsync(cancellation);
            return Step.ReadAgain;
        }

        var revision = response.Header.Revision;
        var lease = new Lease(key, attributes, new EtcdLeaseIdentity(revision, granted.Id), revision);
        granted.MarkUsed();
        EtcdLog.Leased(context.Logger, key);
        return new AcquireResult.Held(new HeldLease(lease, config, state.Config.ModRevision, WasFound: false, granted.Expiry));
    }

    /// <summary>After a transaction that failed because of another client's write.</summary>
    /// <param name="fresh">The state that it returned. After a pause it is read again: while many nodes start, an older state loses the
    /// next race, too.</param>
    private async Task<Step> RetryAfterRaceAsync(SubnetKey key, RegistryState fresh, CancellationToken cancellation)
    {
        EtcdLog.LostRace(context.Logger, key);
        var mustPause = races.Failures >= RacesBeforePause;
        var pause = races.Next();
        if (!mustPause) return fresh;
        await Task.Delay(pause, context.Time, cancellation);
        return Step.ReadAgain;
    }

    private void ReportOverlap(Lease found, RegistryState state)
    {
        var overlapping = state.Taken.Where(found.Subnet.Overlaps).ToList();
        if (overlapping.Count > 1) EtcdLog.Overlap(context.Logger, found.Key, string.Join(", ", overlapping));
        var overlappingIpv6 = found.Key.Ipv6Subnet is { } ipv6 ? state.TakenIpv6.Where(ipv6.Overlaps).ToList() : [];
        if (overlappingIpv6.Count > 1) EtcdLog.Overlap(context.Logger, found.Key, string.Join(", ", overlappingIpv6));
    }

    /// <summary>The key of this IPv4 subnet and, in a dual-stack cluster, of an IPv6 subnet.</summary>
    /// <returns>Null if no IPv6 subnet is free.</returns>
    private SubnetKey? ChooseKey(Ipv4Network subnet, RegistryState state, NetworkConfig config)
    {
        if (config.Ipv6 is not { } range) return new SubnetKey(subnet);
        return ChooseIpv6Subnet(state, range) is { } ipv6 ? new SubnetKey(subnet, ipv6) : null;
    }

    private Ipv6Network? ChooseIpv6Subnet(RegistryState state, Ipv6Config range) =>
        request.Owner.PreviousIpv6Subnet is { } previous && Ipv6SubnetAllocator.Fits(range, previous)
            && !state.TakenIpv6.Any(previous.Overlaps)
            ? previous
            : Ipv6SubnetAllocator.Pick(range, state.TakenIpv6, context.Random);

    private Ipv4Network? Choose(RegistryState state, NetworkConfig config)
    {
        var vSwitches = request.VpcId is { } vpc ? state.VSwitches.GetValueOrDefault(vpc, []) : [];
        List<Ipv4Network> unusable = [.. state.Taken, .. blocked, .. request.Excluded, .. vSwitches];
        if (request.Owner.PreviousSubnet is { } previous && SubnetAllocator.Fits(config, previous)
            && !unusable.Any(range => range.Overlaps(previous)))
            return previous;
        if (request.Avoided.Count > 0 && SubnetAllocator.Pick(config, [.. unusable, .. request.Avoided], context.Random) is { } outside)
            return outside;
        return SubnetAllocator.Pick(config, unusable, context.Random);
    }
}
