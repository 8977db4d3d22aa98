using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>What the state in etcd means for a held lease.</summary>
internal abstract record OwnershipResult
{
    private OwnershipResult()
    {
    }

    public sealed record Held : OwnershipResult;

    public sealed record Lost(LeaseLoss Loss, string Reason) : OwnershipResult;

    /// <summary>The state has changed since it was read.</summary>
    public sealed record ReadAgain : OwnershipResult;
}

/// <summary>The held lease as it was last read, its expiry, and the rules by which it is kept, taken back or lost.</summary>
internal sealed class LeaseOwnership(EtcdContext context, HeldLease held, TimeSpan leaseTime)
{
    private static readonly OwnershipResult Held = new OwnershipResult.Held();
    private static readonly OwnershipResult ReadAgain = new OwnershipResult.ReadAgain();

    // The node waits for this revocation before it stops.
    private static readonly TimeSpan RevokeLimit = TimeSpan.FromSeconds(1);

    private readonly GrantedLease granted = new(context, leaseTime);
    private readonly RegistryReader reader = new(context);
    private readonly LeaseWrites writes = new(context.Keys);

    public Lease Lease { get; private set; } = held.Lease;

    /// <summary>Null for a reservation.</summary>
    public LeaseExpiry? Expiry { get; private set; } = held.Expiry;

    /// <returns>False if the etcd lease no longer exists.</returns>
    public async Task<bool> RenewAsync(CancellationToken cancellation)
    {
        var begin = context.Time.GetTimestamp();
        if (await context.Etcd.LeaseKeepAliveOnceAsync(Lease.EtcdLeaseId, cancellation) is not { } timeToLive) return false;
        Expiry = new LeaseExpiry(begin, timeToLive);
        return true;
    }

    /// <summary>After a read: what happened before it, while nothing was watched, is unknown.</summary>
    public async Task<OwnershipResult> CheckAsync(NodeKeySnapshot snapshot, CancellationToken cancellation)
    {
        if (snapshot.Own is { } pair) return await CheckValueAsync(pair, cancellation);
        if (Lease.IsReservation) return Deleted("its reservation was deleted");
        if (await RenewAsync(cancellation)) return Deleted("its key was deleted");
        return await TakeBackAsync(snapshot.Config, cancellation);
    }

    /// <summary>After an event of a watch, which has just happened.</summary>
    public async Task<OwnershipResult> CheckAsync(OwnKeyEvent change, CancellationToken cancellation)
    {
        // An event from between the read and the write that took the lease back. (After a read this test does not apply: a restored etcd
        // has older revisions.)
        if (change.Revision < Lease.ModRevision) return Held;
        if (change.Pair is { } pair) return await CheckValueAsync(pair, cancellation);
        if (Lease.IsReservation) return Deleted("its reservation was deleted");
        var isAlive = Expiry is { } expiry && expiry.Remaining(context.Time) > TimeSpan.Zero;
        if (await RenewAsync(cancellation)) return Deleted("its key was deleted");
        // An etcd lease that ends before it expires was revoked.
        return isAlive ? Deleted("its etcd lease was revoked") : ReadAgain;
    }

    /// <summary>After the key was deleted: revokes the etcd lease, and with it deletes the other keys that are attached to it.</summary>
    public async Task RevokeAsync()
    {
        if (Lease.IsReservation) return;
        using var timeout = new CancellationTokenSource(RevokeLimit, context.Time);
        await granted.RevokeAsync(Lease.EtcdLeaseId, timeout.Token);
    }

    public Task RevokeUnusedAsync() => granted.RevokeUnusedAsync(Lease.EtcdLeaseId);

    /// <summary>Another instance with the same address is another node; the same instance with another address is this node. A value
    /// without an instance was written by an operator or by upstream flannel.</summary>
    private bool IsOwn(LeaseAttributes attributes) => LeaseInstance.Read(attributes) is { } instance
        ? instance.Id == LeaseInstance.Read(held.Lease.Attributes)?.Id
        : attributes.PublicIp == held.Lease.Attributes.PublicIp;

    private static string Describe(LeaseAttributes attributes) =>
        LeaseInstance.Read(attributes) is { } instance ? $"{instance.Id} ({attributes.PublicIp})" : attributes.PublicIp.ToString();

    private static OwnershipResult.Lost Deleted(string reason) => new(LeaseLoss.Deleted, reason);

    /// <remarks>The node that the value names decides, not the greater revision: a restored etcd assigns the same revisions
    /// again.</remarks>
    private async Task<OwnershipResult> CheckValueAsync(KeyValue pair, CancellationToken cancellation)
    {
        var parsed = LeaseAttributes.Parse(pair.Value.Span);
        if (!parsed.Ok) return new OwnershipResult.Lost(LeaseLoss.Overwritten, $"its value cannot be read: {parsed.Error}");
        var attributes = parsed.Value;
        if (!IsOwn(attributes)) return new OwnershipResult.Lost(LeaseLoss.Overwritten, $"{Describe(attributes)} has it now");
        var isSameEtcdLease = pair.Lease == Lease.EtcdLeaseId;
        // A revision goes back only by a restore. The value is then the one from before this node wrote its own, such as the mark of an
        // earlier release, on which the controller would delete the route.
        var isOlder = pair.ModRevision < Lease.ModRevision && attributes != held.Lease.Attributes;
        // Written by an operator, such as a reservation for this node: the controller needs the instance.
        var isWithoutInstance = attributes.BackendData is null && held.Lease.Attributes.BackendData is not null;
        var found = new Lease(Lease.Key, attributes, new EtcdLeaseIdentity(pair.CreateRevision, pair.Lease), pair.ModRevision);
        if (isOlder || isWithoutInstance)
        {
            var response = await context.Etcd.TxnAsync(writes.Update(found, held.Lease.Attributes), cancellation);
            if (!response.Succeeded) return ReadAgain;
            found = found with { Attributes = held.Lease.Attributes, Version = response.Header.Revision };
        }

        Lease = found;
        if (Lease.IsReservation)
        {
            // An operator may change a lease to a reservation.
            Expiry = null;
            return Held;
        }

        if (isSameEtcdLease && Expiry is { } expiry && expiry.Remaining(context.Time) > TimeSpan.Zero) return Held;
        return await RenewAsync(cancellation) ? Held : ReadAgain;
    }

    /// <summary>The key and its etcd lease have expired.</summary>
    private async Task<OwnershipResult> TakeBackAsync(ConfigState config, CancellationToken cancellation)
    {
        if (config is ConfigState.Present present && !SubnetAllocator.Fits(present.Config, Lease.Key))
            return new OwnershipResult.Lost(LeaseLoss.Unfit, $"it expired, and does not fit the configuration any more ({present.Config})");
        // Everything is read first: an address with host bits, which upstream accepts, is an overlap that no compare can name.
        var before = await reader.ParseAsync(await reader.RequestAsync(cancellation), cancellation) with { Config = config };
        if (FindOverlap(before) is { } conflict) return conflict;
        TxnResponse response;
        try
        {
            await granted.EnsureAsync(cancellation);
            response = await context.Etcd.TxnAsync(writes.Create(Lease.Key, Lease.Attributes, granted.Id, before), cancellation);
        }
        catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
        {
            granted.Abandon();
            return ReadAgain;
        }

        if (!response.Succeeded)
        {
            var state = await reader.ParseAsync(response, cancellation);
            if (FindOverlap(state) is { } taken) return taken;
            if (!state.IsBlockedByUnreadableKey(Lease.Key, before)) return ReadAgain;
            const string reason = "it expired, and etcd sorts a key that names no subnet among its keys: delete that key";
            return new OwnershipResult.Lost(LeaseLoss.Taken, reason);
        }

        if (Lease.Key.Ipv6Subnet is not null && LeaseWrites.IsRestored(response, before))
        {
            await granted.DiscardAsync(cancellation);
            return ReadAgain;
        }

        var revision = response.Header.Revision;
        Lease = Lease with { Identity = new EtcdLeaseIdentity(revision, granted.Id), Version = revision };
        Expiry = granted.Expiry;
        granted.MarkUsed();
        EtcdLog.TakenBack(context.Logger, Lease.Key);
        // The next watch must begin after this write: earlier events do not concern the new lease.
        return ReadAgain;
    }

    /// <summary>Null if the subnet is free. After a write whose response was lost it is this node's already: then the keys are read
    /// again.</summary>
    private OwnershipResult? FindOverlap(RegistryState state)
    {
        var isIpv6Taken = Lease.Key.Ipv6Subnet is { } ipv6 && state.TakenIpv6.Any(ipv6.Overlaps);
        if (!isIpv6Taken && !state.Taken.Any(Lease.Subnet.Overlaps)) return null;
        var others = state.Leases.Where(lease => lease.Key.Overlaps(Lease.Key)).ToList();
        if (others.Exists(other => other.Key == Lease.Key && IsOwn(other.Attributes))) return ReadAgain;
        var holder = others.Count == 0 ? "its subnet is taken" : $"{Describe(others[0].Attributes)} has {others[0].Key}";
        return new OwnershipResult.Lost(LeaseLoss.Taken, $"it expired, and {holder}");
    }
}
