using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Registry;

/// <summary>One wish for a subnet, from the first look to the held lease. Every write is a compare-and-swap on the state that it was
/// decided on; a
/// write whose answer was lost needs no care of its own, because the next look finds the lease by the public address.</summary>
internal sealed class SubnetAcquirer(
    IEtcd etcd,
    RegistryReader reader,
    LeaseWrites writes,
    AcquireRequest request,
    TimeSpan leaseTime,
    TimeProvider time,
    Random random,
    ILogger logger)
{
    private const int RacesBeforePause = 3;

    private readonly GrantedLease granted = new(etcd, leaseTime, time, random, logger);
    private readonly EtcdRetryPolicy retryPolicy = new(time, random, logger);

    // Apart from the other: while etcd's disk is full reads succeed, and must not make the writes impatient.
    private readonly EtcdRetryPolicy writing = new(time, random, logger);
    private readonly Backoff races = new(TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(1), random);
    private readonly HashSet<SubnetKey> told = [];
    private long addressPointerRevision;

    // Free by all keys that can be read, and refused by etcd because of one that cannot.
    private readonly HashSet<Ipv4Network> blocked = [];

    public async Task<AcquireResult> RunAsync(RegistryState? known, CancellationToken cancellation)
    {
        long used = 0;
        try
        {
            var state = known ?? await ReadAsync(cancellation);
            while (true)
            {
                AcquireResult? result = null;
                RegistryState? next = null;
                try
                {
                    (result, next) = await StepAsync(state, cancellation);
                }
                catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
                {
                    // The etcd lease that we had granted has ended while we waited.
                    granted.Forget();
                }
                catch (EtcdException e) when (e.CanHeal)
                {
                    await writing.PauseAsync(e, cancellation);
                }

                if (result is AcquireResult.Held held) used = held.Lease.Lease.EtcdLeaseId;
                if (result is not null) return result;
                state = next ?? await ReadAsync(cancellation);
            }
        }
        catch (EtcdException e)
        {
            return new AcquireResult.Refused(e);
        }
        finally
        {
            await granted.EndUnusedAsync(used);
        }
    }

    private async Task<RegistryState> ReadAsync(CancellationToken cancellation)
    {
        var state = await retryPolicy.UntilAnsweredAsync(token => reader.ReadAsync(request.Owner, token), evenRefused: false, cancellation);
        request.OnRead?.Invoke(state);
        return state;
    }

    /// <returns>A result, or the state to decide on next, or neither: then it must be read.</returns>
    private async Task<(AcquireResult?, RegistryState?)> StepAsync(RegistryState state, CancellationToken cancellation)
    {
        addressPointerRevision = state.AddressPointerRevision ?? addressPointerRevision;
        if (state.Config is not ConfigState.Present { Config: var config }) return (new AcquireResult.NoConfig(state.Config), null);
        if (request.AttributesFor(config) is not { } attributes) return (new AcquireResult.NotWanted(config), null);
        // What is read by instance is compared with what would be written.
        var owner = request.Owner.Instance is null ? request.Owner with { Instance = LeaseInstance.Read(attributes) } : request.Owner;
        var own = LeaseMatcher.Choose(state, config, owner);
        // The own lease is gone or changed, or is to carry another address, which another node may use: what to do depends on all leases.
        if (state.IsOwnLeaseOnly && own.Found?.Attributes.PublicIp != owner.PublicIp)
            return (null, await reader.TakeAsync(await reader.AskAsync(cancellation), owner, cancellation));
        if (own.AddressInUse is { } other)
        {
            if (own.Found?.Attributes.PublicIp != owner.PublicIp) return (new AcquireResult.AddressInUse(other), null);
            if (told.Add(other.Key))
                EtcdLog.AddressShared(logger, owner.PublicIp, LeaseInstance.Read(other.Attributes)?.Id ?? "", other.Key);
        }

        foreach (var reservation in own.UnfitReservations)
        {
            if (told.Add(reservation.Key)) EtcdLog.UnfitReservation(logger, reservation.Key, config.ToString());
        }

        if (own.Found is { } found)
        {
            if (owner.Judge(found) == LeaseOwnerKind.OfGoneInstance)
                EtcdLog.TakenOver(logger, found.Key, LeaseInstance.Read(found.Attributes)?.Id ?? "", owner.PublicIp);
            return await UseAsync(found, attributes, config, state, cancellation);
        }

        if (own.Unfit is { } unfit) return (null, await DeleteAsync(unfit, config, cancellation));
        return await CreateAsync(state, attributes, config, cancellation);
    }

    /// <summary>The lease is this node's already: it is kept alive, and its value changed if it says something else.</summary>
    private async Task<(AcquireResult?, RegistryState?)> UseAsync(
        Lease found, LeaseAttributes attributes, NetworkConfig config, RegistryState state, CancellationToken cancellation)
    {
        LeaseExpiry? life = null;
        if (!found.IsReservation)
        {
            var begin = time.GetTimestamp();
            // Gone between our look and now, and the key with it: look again.
            if (await etcd.LeaseKeepAliveOnceAsync(found.EtcdLeaseId, cancellation) is not { } timeToLive) return (null, null);
            life = new LeaseExpiry(begin, timeToLive);
        }

        if (found.Attributes != attributes)
        {
            var answer = await etcd.TxnAsync(writes.Change(found, attributes, state.Config), cancellation);
            if (!answer.Succeeded) return (null, await reader.TakeAsync(answer, request.Owner, cancellation));
            found = found with { Attributes = attributes, ModRevision = answer.Header.Revision };
        }

        var overlapping = state.Taken.Where(found.Subnet.Overlaps).ToList();
        if (overlapping.Count > 1) EtcdLog.Overlap(logger, found.Key, string.Join(", ", overlapping));
        EtcdLog.Found(logger, found.IsReservation ? "reservation" : "lease", found.Key);
        return (new AcquireResult.Held(new HeldLease(found, config, state.Config.ModRevision, WasFound: true, life)), null);
    }

    private async Task<RegistryState> DeleteAsync(Lease unfit, NetworkConfig config, CancellationToken cancellation)
    {
        EtcdLog.UnfitLease(logger, unfit.Key, config.ToString());
        request.OnGivingUp?.Invoke(unfit);
        var answer = await etcd.TxnAsync(writes.Delete(unfit), cancellation);
        var state = await reader.TakeAsync(answer, request.Owner, cancellation);
        if (!answer.Succeeded) return state;
        // Takes with it what else was attached, such as the status of the route.
        await granted.EndAsync(unfit.EtcdLeaseId, cancellation);
        return state;
    }

    private async Task<(AcquireResult?, RegistryState?)> CreateAsync(
        RegistryState state, LeaseAttributes attributes, NetworkConfig config, CancellationToken cancellation)
    {
        if (Choose(state, config) is not { } subnet) return (new AcquireResult.OutOfSubnets(config, state.Revision), null);
        await granted.EnsureAsync(cancellation);
        var key = new SubnetKey(subnet);
        var pointerRevision = addressPointerRevision;
        var create = writes.Create(key, attributes, granted.Id, state.Config, pointerRevision);
        var answer = await etcd.TxnAsync(create, cancellation);
        if (!answer.Succeeded)
        {
            addressPointerRevision = answer.Responses[0].ResponseRange.Kvs.FirstOrDefault()?.ModRevision ?? 0;
            EtcdLog.LostRace(logger, subnet);
            if (races.Failures >= RacesBeforePause) await Task.Delay(races.Next(), time, cancellation);
            else races.Next();
            var fresh = await reader.TakeAsync(answer, request.Owner, cancellation);
            // A pointer that another node wrote explains the refusal as well.
            if (addressPointerRevision == pointerRevision && fresh.IsRefusedByUnreadableKey(subnet, state.Config) && blocked.Add(subnet))
                EtcdLog.BlockedByUnreadableKey(logger, subnet);
            return (null, fresh);
        }

        var revision = answer.Header.Revision;
        var lease = new Lease(key, attributes, granted.Id, revision, revision);
        granted.Keep();
        EtcdLog.Taken(logger, key);
        return (new AcquireResult.Held(new HeldLease(lease, config, state.Config.ModRevision, WasFound: false, granted.Life)), null);
    }

    private Ipv4Network? Choose(RegistryState state, NetworkConfig config)
    {
        var vSwitches = request.VpcId is { } vpc ? state.VSwitches.GetValueOrDefault(vpc, []) : [];
        List<Ipv4Network> unusable = [.. state.Taken, .. blocked, .. request.Excluded, .. vSwitches];
        if (request.Owner.PreviousSubnet is { } previous && SubnetAllocator.Fits(config, previous)
            && !unusable.Any(range => range.Overlaps(previous)))
            return previous;
        if (request.Avoided.Count > 0 && SubnetAllocator.Pick(config, [.. unusable, .. request.Avoided], random) is { } outside)
            return outside;
        return SubnetAllocator.Pick(config, unusable, random);
    }
}
