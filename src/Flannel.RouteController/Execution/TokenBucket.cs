using Flannel.Core;

namespace Flannel.RouteController.Execution;

/// <summary>A token bucket for one action of the API. The <c>TokenBucketRateLimiter</c> of the shared framework reads the system clock,
/// and its tokens cannot go below zero. Paging needs negative tokens, because the number of requests of a listing is known only
/// afterwards.</summary>
/// <param name="perSecond">Tokens that are added each second.</param>
/// <param name="burst">The capacity of the bucket.</param>
internal sealed class TokenBucket(double perSecond, int burst, TimeProvider time)
{
    private readonly Lock gate = new();
    private double tokens = burst;
    private long refilledAt = time.GetTimestamp();
    private long closedUntil = long.MinValue;

    /// <summary>Waits until a token is available, and takes it.</summary>
    /// <param name="reserve">Tokens that must remain.</param>
    public async Task TakeAsync(int reserve, CancellationToken cancellation)
    {
        while (true)
        {
            var wait = TryTake(reserve);
            if (wait <= TimeSpan.Zero) return;
            await Task.Delay(wait, time, cancellation);
        }
    }

    /// <summary>How long a call would wait now.</summary>
    public TimeSpan Delay()
    {
        lock (gate) return Refill(needed: 1);
    }

    /// <summary>Counts requests that have been made already.</summary>
    public void Spend(int requests)
    {
        lock (gate) tokens -= requests;
    }

    /// <summary>Delays all calls until <paramref name="pause"/> has passed, as the server requests.</summary>
    public void Close(TimeSpan pause)
    {
        lock (gate)
        {
            var until = time.TimestampAfter(pause);
            closedUntil = Math.Max(closedUntil, until);
        }
    }

    private TimeSpan TryTake(int reserve)
    {
        lock (gate)
        {
            var wait = Refill(needed: 1 + reserve);
            if (wait <= TimeSpan.Zero) tokens--;
            return wait;
        }
    }

    /// <summary>Adds the tokens of the time that has passed. Called under the gate.</summary>
    /// <returns>How long the next call must wait.</returns>
    private TimeSpan Refill(int needed)
    {
        var now = time.GetTimestamp();
        tokens = Math.Min(burst, tokens + time.GetElapsedTime(refilledAt, now).TotalSeconds * perSecond);
        refilledAt = now;
        if (now < closedUntil) return time.GetElapsedTime(now, closedUntil) + TimeSpan.FromMilliseconds(1);
        return tokens < needed ? TimeSpan.FromSeconds((needed - tokens) / perSecond) + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero;
    }
}
