using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Execution;

/// <summary>How many entries the next batch has. The size shrinks when batches are rejected or get no valid response, and grows back
/// towards the smallest size that got none.</summary>
internal sealed class BatchSize(TimeProvider time)
{
    /// <summary>A single lost response may be a coincidence; a second one of the same size probably is not.</summary>
    private const int UnansweredBeforeShrinking = 2;

    /// <summary>After this time a size that got no valid response is tried again: the cause may have been an outage.</summary>
    private static readonly TimeSpan CeilingLifetime = TimeSpan.FromMinutes(10);

    private int unanswered;
    private int largestAnswered;
    private int? smallestUnanswered;
    private long unansweredAt;

    public int Current { get; private set; } = CloudLimits.EntriesPerBatch;

    /// <summary>The largest size that a gateway in front of the API accepts. It may be less than the limit of the API.</summary>
    public int Largest { get; private set; } = CloudLimits.EntriesPerBatch;

    private int? Ceiling =>
        smallestUnanswered is { } ceiling && time.GetElapsedTime(unansweredAt) < CeilingLifetime ? ceiling : null;

    /// <summary>A batch of this size got a response for each entry.</summary>
    public void Answered(int sent)
    {
        unanswered = 0;
        largestAnswered = Math.Max(largestAnswered, sent);
        if (sent >= Current) Grow();
    }

    /// <summary>A batch of this size got no response, or one that says nothing about its entries.</summary>
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

    /// <summary>The API rejected a batch of this size as a whole, perhaps because of one entry: smaller batches isolate it.</summary>
    public void Rejected(int sent) => Current = Math.Max(1, Math.Min(Current, sent) / 2);

    /// <summary>A gateway rejected a request of this size as too long: no larger one is sent in this term.</summary>
    public void TooLong(int sent)
    {
        Largest = Math.Max(1, sent / 2);
        Current = Math.Min(Current, Largest);
    }

    /// <summary>Grows half of the way to the smallest size that got no response, or doubles if there is none.</summary>
    public void Grow()
    {
        var next = Ceiling is { } ceiling ? (Current + ceiling) / 2 : Current * 2;
        Current = Math.Clamp(next, 1, Largest);
    }

    /// <summary>Returns to the largest size that is not known to fail: the entry that made a batch fail is found, or nothing is left to
    /// send.</summary>
    public void Reset()
    {
        if (Ceiling is null) Current = Largest;
    }
}
