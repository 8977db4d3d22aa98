using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>Why one route does not come to be, and when it is tried again.</summary>
/// <param name="State">What its node is told.</param>
/// <param name="Text">One line for an operator.</param>
/// <param name="Step">What failed; null when it is the table that cannot be read.</param>
internal sealed record RouteFailure(RouteState State, string Text, string RequestId, CloudErrorKind Kind, RouteAction? Step, long RetryAt, int Count);

/// <summary>The routes that failed one by one, each with its own growing pauses, so that none holds up another; and the tables that are
/// full, which is one trouble for all the routes that they lack.</summary>
internal sealed class RouteFailures(TimeProvider time, Random random)
{
    /// <summary>So often the listing is given the benefit of the doubt.</summary>
    private const int Benefit = 2;

    private readonly Dictionary<RouteKey, RouteFailure> troubles = [];
    private readonly Dictionary<string, FullTable> full = [];
    private readonly Dictionary<string, int> customEntries = [];

    private sealed record FullTable(RouteFailure Trouble, int Entries);

    /// <summary>Whether the API has refused a new entry of this table for its quota, and has not taken one since.</summary>
    public bool IsFull(string tableId) => full.ContainsKey(tableId);

    public RouteFailure? Of(RouteAction step) =>
        troubles.TryGetValue(RouteKey.Of(step), out var trouble) ? trouble
        : step is RouteAction.Create && full.TryGetValue(step.RouteTableId, out var table) ? table.Trouble
        : null;

    public bool Blocks(RouteAction step) => Of(step) is { } trouble && trouble.RetryAt > time.GetTimestamp();

    public RouteFailure Fail(RouteAction step, CloudError error)
    {
        var before = Of(step);
        // Of a batch that finds the table full, one failure stands for all.
        if (error.Kind == CloudErrorKind.Quota && step is RouteAction.Create && before?.Kind == CloudErrorKind.Quota && Blocks(step)) return before;
        var count = before?.Kind == error.Kind ? before.Count + 1 : 1;
        var (first, longest) = PausesOf(error.Kind);
        var pause = Math.Min(longest, first * Math.Pow(2, Math.Min(count - 1, 30))) * (0.5 + random.NextDouble() / 2);
        if (error.RetryAfter is { } hint) pause = Math.Max(pause, hint.TotalSeconds);
        var (state, text) = WordsFor(step, error, count);
        var retryAt = time.GetTimestamp() + (long)(pause * time.TimestampFrequency);
        var trouble = new RouteFailure(state, text, error.RequestId, error.Kind, step, retryAt, count);
        if (error.Kind == CloudErrorKind.Quota && step is RouteAction.Create)
        {
            full[step.RouteTableId] = new FullTable(trouble, customEntries.GetValueOrDefault(step.RouteTableId));
            // An older trouble of its own would hide that of the table, and the route be tried without a pause.
            troubles.Remove(RouteKey.Of(step));
        }
        else troubles[RouteKey.Of(step)] = trouble;

        return trouble;
    }

    /// <summary>Forgets what is over: the entry stands, nobody wants it any more, or the wish is another one. A table that was full
    /// and now holds fewer entries is tried again at once.</summary>
    /// <param name="entries">How many custom entries the table holds.</param>
    public void Observe(string tableId, IEnumerable<RouteAction> steps, int entries)
    {
        var wishes = new Dictionary<RouteKey, RouteAction>();
        foreach (var step in steps)
        {
            if (step is RouteAction.Create or RouteAction.Update or RouteAction.Mark or RouteAction.Delete) wishes.TryAdd(RouteKey.Of(step), step);
        }

        foreach (var (key, trouble) in troubles.Where(pair => pair.Key.TableId == tableId).ToList())
        {
            if (!wishes.TryGetValue(key, out var wish) || !IsSameWish(wish, trouble.Step)) troubles.Remove(key);
        }

        customEntries[tableId] = entries;
        if (!full.TryGetValue(tableId, out var table)) return;
        if (!wishes.Values.Any(step => step is RouteAction.Create)) full.Remove(tableId);
        else if (entries < table.Entries) full[tableId] = new FullTable(table.Trouble with { RetryAt = 0 }, entries);
        else full[tableId] = table with { Entries = entries };
    }

    /// <summary>When the next one may be tried again; null when none waits.</summary>
    public TimeSpan? NextRetry()
    {
        var now = time.GetTimestamp();
        var waiting = troubles.Values.Concat(full.Values.Select(table => table.Trouble)).Where(trouble => trouble.RetryAt > now).ToList();
        return waiting.Count == 0 ? null : time.GetElapsedTime(now, waiting.Min(trouble => trouble.RetryAt));
    }

    private static bool IsSameWish(RouteAction a, RouteAction? b) => (a, b) switch
    {
        (RouteAction.Create x, RouteAction.Create y) => x.Wanted.NextHop == y.Wanted.NextHop,
        (RouteAction.Update x, RouteAction.Update y) => x.Wanted.NextHop == y.Wanted.NextHop && x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        (RouteAction.Mark x, RouteAction.Mark y) => x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        (RouteAction.Delete x, RouteAction.Delete y) => x.Entry.RouteEntryId == y.Entry.RouteEntryId,
        _ => false,
    };

    /// <summary>In seconds: the first pause's bound, and the bound that pauses grow to.</summary>
    private static (double First, double Longest) PausesOf(CloudErrorKind kind) => kind switch
    {
        CloudErrorKind.Retry => (0.5, 30),
        CloudErrorKind.Reread or CloudErrorKind.AlreadyDone => (0.5, 300),
        CloudErrorKind.Quota => (30, 600),
        CloudErrorKind.Unknown => (15, 300),
        _ => (60, 600),
    };

    private static (RouteState, string) WordsFor(RouteAction step, CloudError error, int count) => error.Kind switch
    {
        CloudErrorKind.Quota => (RouteState.QuotaExceeded,
            $"route table {step.RouteTableId} is full ({error.Code}): {RouteQuota.WhatToDo}"),
        CloudErrorKind.Denied => (RouteState.Denied, error.Denial),
        CloudErrorKind.Reread or CloudErrorKind.AlreadyDone when count > Benefit => (RouteState.Conflict,
            $"route table {step.RouteTableId} refuses {step.Destination} and lists no entry of it: {error.Code} {error.Message}"),
        CloudErrorKind.Fatal or CloudErrorKind.Unknown => (RouteState.Rejected,
            $"{step.RouteTableId} {step.Destination}: {error.Code} {error.Message}"),
        _ => (RouteState.Pending, $"{step.RouteTableId} {step.Destination}: {error.Code}, trying again"),
    };
}
