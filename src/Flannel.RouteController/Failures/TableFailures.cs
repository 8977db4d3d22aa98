using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.RouteController.Failures;

/// <summary>The route tables that could not be read, each with its own back-off.</summary>
internal sealed class TableFailures(TimeProvider time, Random random)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, TableFailure> failures = [];

    private sealed class TableFailure(CloudError error, Backoff backoff)
    {
        public CloudError Error { get; set; } = error;
        public int Count { get; set; }
        public long RetryAt { get; set; }
        public Backoff Backoff { get; } = backoff;
    }

    /// <summary>The error of the last read; null if it succeeded or has not been tried.</summary>
    public CloudError? ErrorOf(string tableId) => failures.GetValueOrDefault(tableId)?.Error;

    /// <summary>Whether the table was rejected more than once by a permanent error: it does not exist, or is of another kind.</summary>
    public bool IsUnreadable(string tableId) =>
        failures.TryGetValue(tableId, out var failure) && failure is { Error.Kind: CloudErrorKind.Fatal, Count: > 1 };

    public bool MayRead(string tableId) => !failures.TryGetValue(tableId, out var failure) || failure.RetryAt <= time.GetTimestamp();

    public void Fail(string tableId, CloudError error)
    {
        if (!failures.TryGetValue(tableId, out var failure))
            failures.Add(tableId, failure = new TableFailure(error, new Backoff(FirstPause, LongestPause, random)));
        failure.Error = error;
        failure.Count++;
        failure.RetryAt = time.TimestampAfter(failure.Backoff.Next(error.RetryAfter));
    }

    public void Recover(string tableId) => failures.Remove(tableId);

    /// <summary>Forgets the tables that are not read any more.</summary>
    public void RetainTables(IReadOnlySet<string> tableIds)
    {
        foreach (var gone in failures.Keys.Where(id => !tableIds.Contains(id)).ToList()) failures.Remove(gone);
    }

    /// <summary>The time until the first of these tables may be read again; null if all of them were read.</summary>
    public TimeSpan? NextRetry(IEnumerable<string> tableIds)
    {
        var pending = tableIds.Where(failures.ContainsKey).Select(id => failures[id].RetryAt).ToList();
        return pending.Count == 0 ? null : time.GetElapsedTime(time.GetTimestamp(), pending.Min());
    }
}
