using Flannel.Core;

namespace Flannel.AliCloud.Metadata;

/// <summary>The session token of the metadata service: asked for once by whoever comes first, kept for half of its life.</summary>
/// <param name="ask">One request for a token.</param>
internal sealed class MetadataToken(Func<CancellationToken, Task<MetadataToken.Held>> ask, TimeProvider time) : IDisposable
{
    /// <summary>The longest that the service grants.</summary>
    public const string LifetimeSeconds = "21600";

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(3);

    /// <summary>How long plain mode is kept before a token is asked for again.</summary>
    private static readonly TimeSpan PlainFor = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim gate = new(1, 1);
    private (Held Value, long Since, TimeSpan For)? kept;
    private Held? last;
    private int asked;

    /// <param name="Secret">Null for plain mode.</param>
    /// <param name="Reason">Why there is none.</param>
    /// <param name="Unreachable">A line, when nothing answers at all.</param>
    public sealed record Held(Secret? Secret, string Reason, string? Unreachable);

    public bool IsHeld => kept is { Value.Secret: not null };

    public void Dispose() => gate.Dispose();

    public async ValueTask<Held> GetAsync(CancellationToken cancellation)
    {
        var before = Volatile.Read(ref asked);
        await gate.WaitAsync(cancellation);
        try
        {
            // Whoever waited for another's question takes its answer, a failure too: else ten questions to a dead address time out one after another.
            if (asked != before) return last!;
            if (kept is { } now && time.GetElapsedTime(now.Since) < now.For) return now.Value;
            var held = await ask(cancellation);
            (last, asked) = (held, asked + 1);
            kept = held.Unreachable is null ? (held, time.GetTimestamp(), held.Secret is null ? PlainFor : KeptFor) : null;
            return held;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>The service refused it.</summary>
    public void Drop(Secret refused)
    {
        if (kept is { } now && ReferenceEquals(now.Value.Secret, refused)) kept = null;
    }

    /// <summary>Plain mode was refused.</summary>
    public void Forget()
    {
        if (kept is { Value.Secret: null }) kept = null;
    }
}
