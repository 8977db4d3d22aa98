using Flannel.Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Registry;

/// <summary>An etcd lease that is granted once, however many races are lost before a key is attached to it, and ended if none ever
/// is.</summary>
internal sealed class GrantedLease(IEtcd etcd, TimeSpan timeToLive, TimeProvider time, Random random, ILogger logger)
{
    private readonly List<long> abandoned = [];

    /// <summary>0 while there is none.</summary>
    public long Id { get; private set; }

    public LeaseExpiry Life { get; private set; }

    /// <exception cref="EtcdException">etcd did not grant it.</exception>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        // One that was waiting too long for its key may end at any moment.
        if (Id != 0 && Life.Remaining(time) > timeToLive / 2) return;
        Forget();
        var id = random.NextInt64(1, long.MaxValue);
        var begin = time.GetTimestamp();
        try
        {
            var grant = await etcd.LeaseGrantAsync(id, timeToLive, cancellation);
            Id = grant.ID;
            Life = new LeaseExpiry(begin, TimeSpan.FromSeconds(grant.TTL));
        }
        catch (Exception e) when (e is not EtcdException { MayHaveHappened: false })
        {
            // Never one that was refused: it may be refused because it is another's.
            abandoned.Add(id);
            throw;
        }
    }

    /// <summary>It is of no use any more.</summary>
    public void Forget()
    {
        if (Id != 0) abandoned.Add(Id);
        Id = 0;
    }

    /// <summary>A key is attached to it: it is no longer ours to end.</summary>
    public void Keep() => Id = 0;

    /// <summary>Ends what was granted for nothing.</summary>
    /// <param name="used">An etcd lease that turned out to be in use after all, by a write whose answer was lost.</param>
    public async Task EndUnusedAsync(long used)
    {
        Forget();
        if (abandoned.Count == 0) return;
        // Also on the way out, but not for long.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
        foreach (var id in abandoned.Where(id => id != used)) await EndAsync(id, limit.Token);
        abandoned.Clear();
    }

    /// <summary>Best effort: what etcd does not hear of ends with its time.</summary>
    public async Task EndAsync(long id, CancellationToken cancellation)
    {
        try
        {
            await etcd.LeaseRevokeAsync(id, cancellation);
        }
        catch (Exception e) when (e is EtcdException or OperationCanceledException)
        {
            EtcdLog.NotRevoked(logger, id, e.Message);
        }
    }
}
