using Flannel.Core.Leases;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <summary>An etcd lease that is granted once, however many compare-and-swap attempts fail before a key is attached to it, and revoked if
/// none is.</summary>
internal sealed class GrantedLease(EtcdContext context, TimeSpan timeToLive)
{
    // The node waits for these revocations when it stops.
    private static readonly TimeSpan RevokeLimit = TimeSpan.FromSeconds(1);

    private readonly List<long> abandoned = [];

    /// <summary>0 if there is none.</summary>
    public long Id { get; private set; }

    public LeaseExpiry Expiry { get; private set; }

    /// <exception cref="EtcdException">The lease was not granted.</exception>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        // One that has waited long for its key may expire at any moment.
        if (Id != 0 && Expiry.Remaining(context.Time) > timeToLive / 2) return;
        Abandon();
        var id = context.Random.NextInt64(1, long.MaxValue);
        var begin = context.Time.GetTimestamp();
        try
        {
            var grant = await context.Etcd.LeaseGrantAsync(id, timeToLive, cancellation);
            Id = grant.ID;
            Expiry = new LeaseExpiry(begin, TimeSpan.FromSeconds(grant.TTL));
        }
        catch (Exception e) when (e is not EtcdException { MayHaveHappened: false })
        {
            // Not one that was rejected: the reason may be that the id belongs to another client.
            abandoned.Add(id);
            throw;
        }
    }

    /// <summary>Marks it for revocation.</summary>
    public void Abandon()
    {
        if (Id != 0) abandoned.Add(Id);
        Id = 0;
    }

    /// <summary>Revokes it at once: etcd then deletes the key that is attached to it.</summary>
    public async Task DiscardAsync(CancellationToken cancellation)
    {
        await RevokeAsync(Id, cancellation);
        Abandon();
    }

    /// <summary>A key is attached to it: it is not revoked any more.</summary>
    public void MarkUsed() => Id = 0;

    /// <summary>Revokes what was granted and not used.</summary>
    /// <param name="used">An etcd lease that is in use after all, by a write whose response was lost; 0 for none.</param>
    public async Task RevokeUnusedAsync(long used)
    {
        Abandon();
        if (abandoned.Count == 0) return;
        // Not the caller's cancellation: this runs during a stop, too.
        using var timeout = new CancellationTokenSource(RevokeLimit, context.Time);
        foreach (var id in abandoned.Where(id => id != used)) await RevokeAsync(id, timeout.Token);
        abandoned.Clear();
    }

    /// <summary>Best effort: a lease that is not revoked expires.</summary>
    public async Task RevokeAsync(long id, CancellationToken cancellation)
    {
        try
        {
            await context.Etcd.LeaseRevokeAsync(id, cancellation);
        }
        catch (Exception e) when (e is EtcdException or OperationCanceledException)
        {
            EtcdLog.NotRevoked(context.Logger, id, e.Message);
        }
    }
}
