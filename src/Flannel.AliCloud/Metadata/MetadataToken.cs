using Flannel.Core;

namespace Flannel.AliCloud.Metadata;

/// <summary>The outcome of a request for a session token.</summary>
/// <param name="Secret">Null for plain mode (no token).</param>
/// <param name="Reason">Why there is no token; empty with one.</param>
/// <param name="Unreachable">Why there was no response; null if there was one.</param>
internal sealed record TokenResult(Secret? Secret, string Reason, string? Unreachable)
{
    public static TokenResult Plain(string reason) => new(null, reason, null);
}

/// <summary>Caches the session token of the metadata service for half of its lifetime. Concurrent callers share one request.</summary>
/// <param name="request">Requests a token once.</param>
internal sealed class MetadataToken(Func<CancellationToken, Task<TokenResult>> request, TimeProvider time) : IDisposable
{
    /// <summary>The maximum that the service grants.</summary>
    public const string LifetimeSeconds = "21600";

    private static readonly TimeSpan KeepTokenFor = TimeSpan.FromHours(3);

    /// <summary>How long plain mode is used before another request for a token.</summary>
    private static readonly TimeSpan KeepPlainModeFor = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim gate = new(1, 1);
    private volatile CachedToken? cached;
    private TokenResult? last;
    private int requests;

    public bool IsHeld => cached is { Value.Secret: not null };

    public void Dispose() => gate.Dispose();

    public async ValueTask<TokenResult> GetAsync(CancellationToken cancellation)
    {
        var before = Volatile.Read(ref requests);
        await gate.WaitAsync(cancellation);
        try
        {
            // A caller that waited for another caller's request uses its result, also a failure. Otherwise ten callers of a dead address
            // would time out one after another.
            if (requests != before) return last!;
            if (cached is { } current && time.GetElapsedTime(current.Since) < current.KeepFor) return current.Value;
            var result = await request(cancellation);
            last = result;
            Volatile.Write(ref requests, requests + 1);
            var keepFor = result.Secret is null ? KeepPlainModeFor : KeepTokenFor;
            cached = result.Unreachable is null ? new CachedToken(result, time.GetTimestamp(), keepFor) : null;
            return result;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Removes a token that the service rejected.</summary>
    public void Remove(Secret rejected)
    {
        if (cached is { } current && ReferenceEquals(current.Value.Secret, rejected)) cached = null;
    }

    /// <summary>Leaves plain mode after the service rejected a request without a token.</summary>
    public void LeavePlainMode()
    {
        if (cached is { Value.Secret: null }) cached = null;
    }

    /// <param name="Since">Monotonic time.</param>
    private sealed record CachedToken(TokenResult Value, long Since, TimeSpan KeepFor);
}
