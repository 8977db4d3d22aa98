using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Microsoft.Extensions.Logging;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>What a look at etcd means for the lease.</summary>
internal abstract record OwnershipResult
{
    public sealed record Held : OwnershipResult;

    public sealed record Gone(LeaseLoss Loss, string Reason) : OwnershipResult;

    /// <summary>What was looked at has changed under our hands.</summary>
    public sealed record LookAgain : OwnershipResult;
}

/// <summary>One node's claim to its subnet: the lease as it last was, how long it lives, and the rules by which it is kept, taken back or
/// lost.</summary>
internal sealed class LeaseOwnership
{
    private static readonly OwnershipResult Held = new OwnershipResult.Held();
    private static readonly OwnershipResult LookAgain = new OwnershipResult.LookAgain();

    private readonly IEtcd etcd;
    private readonly HeldLease held;
    private readonly RegistryReader reader;
    private readonly LeaseWrites writes;
    private readonly GrantedLease granted;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    public LeaseOwnership(IEtcd etcd, EtcdKeys keys, HeldLease held, TimeSpan leaseTime, TimeProvider time, Random random, ILogger logger)
    {
        this.etcd = etcd;
        this.held = held;
        this.time = time;
        this.logger = logger;
        reader = new RegistryReader(etcd, keys, new LeaseReader(keys, logger));
        writes = new LeaseWrites(keys, reader);
        granted = new GrantedLease(etcd, leaseTime, time, random, logger);
        Lease = held.Lease;
        Life = held.Life;
    }

    public Lease Lease { get; private set; }

    /// <summary>Null for a reservation.</summary>
    public LeaseExpiry? Life { get; private set; }

    /// <returns>False when etcd does not know the etcd lease any more.</returns>
    public async Task<bool> RenewAsync(CancellationToken cancellation)
    {
        var begin = time.GetTimestamp();
        if (await etcd.LeaseKeepAliveOnceAsync(Lease.EtcdLeaseId, cancellation) is not { } timeToLive) return false;
        Life = new LeaseExpiry(begin, timeToLive);
        return true;
    }

    /// <summary>After a look of our own: what happened while nobody watched is unknown.</summary>
    public async Task<OwnershipResult> JudgeAsync(NodeKeySnapshot look, CancellationToken cancellation)
    {
        if (look.Own is { } pair) return await JudgeValueAsync(pair, cancellation);
        if (Lease.IsReservation) return Deleted("its reservation was deleted");
        if (await RenewAsync(cancellation)) return Deleted("its key was deleted");
        return await TakeBackAsync(look.Config, cancellation);
    }

    /// <summary>After an event on a living stream: it has just happened.</summary>
    public async Task<OwnershipResult> JudgeEventAsync(OwnKeyEvent own, CancellationToken cancellation)
    {
        // From between our look and the write that took the lease back. (A look is believed even so: etcd may have been restored, and its
        // revisions gone back.)
        if (own.Revision < Lease.ModRevision) return Held;
        if (own.Pair is { } pair) return await JudgeValueAsync(pair, cancellation);
        if (Lease.IsReservation) return Deleted("its reservation was deleted");
        var alive = Life is { } life && life.Remaining(time) > TimeSpan.Zero;
        if (await RenewAsync(cancellation)) return Deleted("its key was deleted");
        // An etcd lease that ends before its time was ended by somebody.
        return alive ? Deleted("its etcd lease was revoked") : LookAgain;
    }

    /// <summary>After the key was deleted: what else is attached to the etcd lease speaks of a subnet that is nobody's.</summary>
    public async Task EndAsync()
    {
        if (Lease.IsReservation) return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
        await granted.EndAsync(Lease.EtcdLeaseId, limit.Token);
    }

    public Task EndUnusedAsync() => granted.EndUnusedAsync(Lease.EtcdLeaseId);

    /// <summary>Another instance with the same address is another node, and the same instance with another address is this one. A value that
    /// names no instance was written by an operator or by upstream flannel.</summary>
    private bool IsOwn(LeaseAttributes attributes) => LeaseInstance.Read(attributes) is { } instance
        ? instance.Id == LeaseInstance.Read(held.Lease.Attributes)?.Id
        : attributes.PublicIp == held.Lease.Attributes.PublicIp;

    private static string Describe(LeaseAttributes attributes) =>
        LeaseInstance.Read(attributes) is { } instance ? $"{instance.Id} ({attributes.PublicIp})" : attributes.PublicIp.ToString();

    private static OwnershipResult.Gone Deleted(string reason) => new(LeaseLoss.Deleted, reason);

    /// <remarks>Whom the value names decides, never whose revision is greater: a restored etcd gives revisions out a second time.</remarks>
    private async Task<OwnershipResult> JudgeValueAsync(KeyValue pair, CancellationToken cancellation)
    {
        if (LeaseAttributes.Parse(pair.Value.Span, out var reason) is not { } attributes)
            return new OwnershipResult.Gone(LeaseLoss.Overwritten, $"its value cannot be read: {reason}");
        if (!IsOwn(attributes)) return new OwnershipResult.Gone(LeaseLoss.Overwritten, $"{Describe(attributes)} has it now");
        var sameLife = pair.Lease == Lease.EtcdLeaseId;
        // A revision never goes back but by a restore: then this is what stood there before this node wrote its own, such as the mark of an
        // earlier release, by which the controller would delete the route.
        var isOlder = pair.ModRevision < Lease.ModRevision && attributes != held.Lease.Attributes;
        // Written by hand, such as a reservation for this node: the controller must learn which instance it is.
        var isByHand = attributes.BackendData is null && held.Lease.Attributes.BackendData is not null;
        var found = new Lease(Lease.Key, attributes, pair.Lease, pair.CreateRevision, pair.ModRevision);
        if (isOlder || isByHand)
        {
            var answer = await etcd.TxnAsync(writes.Change(found, held.Lease.Attributes), cancellation);
            if (!answer.Succeeded) return LookAgain;
            found = found with { Attributes = held.Lease.Attributes, ModRevision = answer.Header.Revision };
        }

        Lease = found;
        if (Lease.IsReservation)
        {
            // An operator may make a reservation of a lease.
            Life = null;
            return Held;
        }

        if (sameLife && Life is { } life && life.Remaining(time) > TimeSpan.Zero) return Held;
        return await RenewAsync(cancellation) ? Held : LookAgain;
    }

    /// <summary>The key is gone and its etcd lease with it.</summary>
    private async Task<OwnershipResult> TakeBackAsync(ConfigState config, CancellationToken cancellation)
    {
        var known = config as ConfigState.Present;
        if (known is not null && !LeaseMatcher.Fits(known.Config, Lease.Key))
            return new OwnershipResult.Gone(LeaseLoss.Unfit, $"it expired, and does not fit the configuration any more ({known.Config})");
        // Everything is read first: an address with host bits, as upstream accepts it, is an overlap that no compare can name.
        var before = await reader.TakeAsync(await reader.AskAsync(cancellation), cancellation);
        if (Overlapping(before) is { } conflict) return conflict;
        TxnResponse answer;
        try
        {
            await granted.EnsureAsync(cancellation);
            answer = await etcd.TxnAsync(writes.Create(Lease.Key, Lease.Attributes, granted.Id, config), cancellation);
        }
        catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
        {
            granted.Forget();
            return LookAgain;
        }

        if (!answer.Succeeded)
        {
            var state = await reader.TakeAsync(answer, cancellation);
            if (Overlapping(state) is { } taken) return taken;
            if (!state.IsRefusedByUnreadableKey(Lease.Subnet, config)) return LookAgain;
            const string reason = "it expired, and etcd sorts a key that names no subnet among its keys: delete that key";
            return new OwnershipResult.Gone(LeaseLoss.Taken, reason);
        }

        Lease = Lease with { EtcdLeaseId = granted.Id, CreateRevision = answer.Header.Revision, ModRevision = answer.Header.Revision };
        Life = granted.Life;
        granted.Keep();
        EtcdLog.TakenBack(logger, Lease.Key);
        // What is watched from now on must begin after this write: what others did before it is no news of our lease.
        return LookAgain;
    }

    /// <summary>Null when the subnet is free. After a write whose answer was lost it is this node's already: then everything is read
    /// again.</summary>
    private OwnershipResult? Overlapping(RegistryState state)
    {
        if (!state.Taken.Any(Lease.Subnet.Overlaps)) return null;
        var others = state.Leases.Where(lease => lease.Subnet.Overlaps(Lease.Subnet)).ToList();
        if (others.Exists(other => other.Key == Lease.Key && IsOwn(other.Attributes))) return LookAgain;
        var holder = others.Count == 0 ? "its subnet is taken" : $"{Describe(others[0].Attributes)} has {others[0].Key}";
        return new OwnershipResult.Gone(LeaseLoss.Taken, $"it expired, and {holder}");
    }
}
