using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Execution;

/// <summary>How many entries the next batch carries. It shrinks when batches of a size are refused or get no intelligible answer, and grows
/// back towards the smallest size that got none.</summary>
internal sealed class BatchSize(TimeProvider time)
{
    public const int LimitOfApi = CloudLimits.EntriesPerBatch;

    /// <summary>One answer may get lost by chance; a second one of the same size hardly does.</summary>
    private const int UnansweredBeforeShrinking = 2;

    /// <summary>After this a size that got no answer is tried again: the cause may have been an outage, not the size.</summary>
    private static readonly TimeSpan CeilingLifetime = TimeSpan.FromMinutes(10);

    private int unanswered;
    private int largestAnswered;
    private int? smallestUnanswered;
    private long unansweredAt;

    public int Current { get; private set; } = LimitOfApi;

    /// <summary>What a gateway before the API accepts: it may be less than the API does.</summary>
    public int Largest { get; private set; } = LimitOfApi;

    private int? Ceiling =>
        smallestUnanswered is { } ceiling && time.GetElapsedTime(unansweredAt) < CeilingLifetime ? ceiling : null;

    /// <summary>A batch of this many was answered entry by entry.</summary>
    public void Answered(int sent)
    {
        unanswered = 0;
        largestAnswered = Math.Max(largestAnswered, sent);
        if (sent >= Current) Grow();
    }

    /// <summary>A batch of this many got no answer, or one that says nothing about its entries.</summary>
    /// <returns>Whether the next one is smaller.</returns>
    public bool Unanswered(int sent)
    {
        // Where a smaller size works, one failure of a larger one is enough.
        var isProbe = largestAnswered > 0 && sent > largestAnswered;
        if (sent <= 1 || (++unanswered < UnansweredBeforeShrinking && !isProbe)) return false;
        unanswered = 0;
        (smallestUnanswered, unansweredAt) = (sent, time.GetTimestamp());
        Current = isProbe ? largestAnswered : sent / 2;
        if (!isProbe) largestAnswered = 0;
        return true;
    }

    /// <summary>The API refused a batch of this many as a whole, because of a single entry perhaps: smaller ones isolate it.</summary>
    public void Refused(int sent) => Current = Math.Max(1, Math.Min(Current, sent) / 2);

    /// <summary>A gateway refused a request of this many as too long: no larger one is sent in this term.</summary>
    public void Shorten(int sent)
    {
        Largest = Math.Max(1, sent / 2);
        Current = Math.Min(Current, Largest);
    }

    /// <summary>Half of the way to the smallest size that got no answer; twice as many where there is none.</summary>
    public void Grow()
    {
        var next = Ceiling is { } ceiling ? (Current + ceiling) / 2 : Current * 2;
        Current = Math.Clamp(next, 1, Largest);
    }

    /// <summary>The entry that spoiled a batch is found, or nothing is left to send: back to the largest size that is not known to
    /// fail.</summary>
    public void Reset()
    {
        if (Ceiling is null) Current = Largest;
    }
}
