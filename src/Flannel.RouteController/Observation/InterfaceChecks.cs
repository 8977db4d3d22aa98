using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Infrastructure;

namespace Flannel.RouteController.Observation;

/// <summary>Disables the source/destination check of the nodes' interfaces. An interface with the check on drops the packets of its
/// containers; new interfaces have it on since 2025-04-22 (ECS notice 461). It runs in its own loop and never delays the routes.</summary>
/// <remarks>Thread-safe. The random generator of the context is used by this loop alone.</remarks>
/// <param name="changed">Called after the state of an interface has changed.</param>
internal sealed class InterfaceChecks(VpcContext context, LivenessMonitor loops, Action changed)
{
    private const string DescribeAction = "ecs:DescribeNetworkInterfaces";
    private const string ModifyAction = "ecs:ModifyNetworkInterfaceAttribute";

    /// <summary>Calls in parallel.</summary>
    private const int Parallelism = 4;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>For errors that an operator must correct.</summary>
    private static readonly TimeSpan SlowPause = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly AsyncAutoResetEvent due = new(context.Time);
    private readonly Dictionary<string, Check> checks = [];
    private readonly HashSet<string> logged = [];

    private sealed class Check(Backoff backoff)
    {
        public InterfaceState State { get; set; } = InterfaceState.Unknown;
        public long DueAt { get; set; }
        public Backoff Backoff { get; } = backoff;
    }

    /// <summary>Sets the interfaces to check. New ones are checked without delay.</summary>
    public void SetInterfaces(IEnumerable<string> interfaceIds)
    {
        var ids = interfaceIds.ToHashSet();
        var isNew = false;
        lock (gate)
        {
            foreach (var gone in checks.Keys.Where(id => !ids.Contains(id)).ToList()) checks.Remove(gone);
            foreach (var id in ids.Where(id => !checks.ContainsKey(id)))
            {
                checks.Add(id, new Check(new Backoff(FirstPause, LongestPause, context.Random)));
                isNew = true;
            }
        }

        if (isNew) due.Set();
    }

    /// <summary>All interfaces are checked again.</summary>
    public void Invalidate()
    {
        lock (gate)
        {
            foreach (var check in checks.Values) check.DueAt = 0;
        }

        due.Set();
    }

    public InterfaceState Of(string interfaceId)
    {
        lock (gate) return checks.TryGetValue(interfaceId, out var check) ? check.State : InterfaceState.Unknown;
    }

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var loop = loops.Begin($"the route controller's loop of interfaces in {context.RegionId}", LoopLimits.LongestPass);
        while (true)
        {
            loop.Busy();
            due.Clear();
            var ids = DueIds();
            if (ids.Count > 0) await CheckAsync(ids, loop, cancellation);
            var pause = UntilNext();
            loop.Idle(pause > TimeSpan.Zero ? pause : TimeSpan.Zero);
            await due.WaitAsync(pause, cancellation);
        }
    }

    private List<string> DueIds()
    {
        var now = context.Time.GetTimestamp();
        lock (gate) return [.. checks.Where(check => check.Value.DueAt <= now).Select(check => check.Key)];
    }

    private TimeSpan UntilNext()
    {
        lock (gate)
        {
            if (checks.Count == 0) return SlowPause;
            var left = context.Time.GetElapsedTime(context.Time.GetTimestamp(), checks.Values.Min(check => check.DueAt));
            return left < SlowPause ? left : SlowPause;
        }
    }

    private async Task CheckAsync(List<string> ids, MonitoredLoop loop, CancellationToken cancellation)
    {
        loop.Busy();
        var result = await context.Api.DescribeNetworkInterfacesAsync(context.RegionId, ids, cancellation);
        if (result.Error is { Kind: CloudErrorKind.Fatal } && ids.Count > 1)
        {
            // One invalid id makes the whole call fail: halves isolate it.
            await CheckAsync(ids[..(ids.Count / 2)], loop, cancellation);
            await CheckAsync(ids[(ids.Count / 2)..], loop, cancellation);
            return;
        }

        if (result.Error is { } error)
        {
            foreach (var id in ids) Fail(id, error, DescribeAction);
            changed();
            return;
        }

        var enabled = RecordListing(ids, result.Value!);
        changed();
        await DisableAsync(enabled, loop, cancellation);
    }

    /// <returns>The interfaces whose check is on.</returns>
    private Queue<string> RecordListing(List<string> ids, IReadOnlyList<NetworkInterface> listed)
    {
        var byId = listed.DistinctBy(item => item.NetworkInterfaceId).ToDictionary(item => item.NetworkInterfaceId);
        var enabled = new Queue<string>();
        foreach (var id in ids)
        {
            if (!byId.TryGetValue(id, out var found)) SetState(id, $"interface {id} is not known to ECS", SlowPause);
            else if (found.SourceDestCheck == true) enabled.Enqueue(id);
            else SetState(id, null, null);
        }

        return enabled;
    }

    private async Task DisableAsync(Queue<string> enabled, MonitoredLoop loop, CancellationToken cancellation)
    {
        while (enabled.Count > 0)
        {
            // The interfaces of hundreds of new nodes take longer than one pass may if the API throttles.
            loop.Busy();
            cancellation.ThrowIfCancellationRequested();
            var ids = Enumerable.Range(0, Math.Min(Parallelism, enabled.Count)).Select(_ => enabled.Dequeue()).ToList();
            var results = await Task.WhenAll(
                ids.Select(id => context.Api.DisableSourceDestCheckAsync(context.RegionId, id, cancellation)));
            // Not in the tasks, which may complete on several threads.
            for (var i = 0; i < ids.Count; i++) RecordDisabled(ids[i], results[i]);
            changed();
        }
    }

    private void RecordDisabled(string id, CloudResult<Unit> result)
    {
        if (result.Error is { Kind: not CloudErrorKind.AlreadyDone } error)
        {
            Fail(id, error, ModifyAction);
            return;
        }

        RouteControllerLog.CheckDisabled(context.Log, id, result.RequestId);
        SetState(id, null, null);
    }

    private void Fail(string id, CloudError error, string action)
    {
        var mayBeOn = $"the source/destination check of {id} may be on";
        switch (error.Kind)
        {
            case CloudErrorKind.Denied:
                var missing = error.DeniedAction ?? action;
                if (logged.Add(missing)) RouteControllerLog.CheckDenied(context.Log, missing, error.RequestId);
                SetState(id, $"{mayBeOn}: missing permission {missing}", SlowPause);
                break;
            case CloudErrorKind.Fatal:
                if (logged.Add(id + error.Code))
                    RouteControllerLog.CheckFailed(context.Log, id, error.Code, error.Message, error.RequestNote);
                SetState(id, $"{mayBeOn}: {error.Code}", SlowPause);
                break;
            default:
                Retry(id, error, $"{mayBeOn}: {error.Code}; retrying");
                break;
        }
    }

    private void Retry(string id, CloudError error, string problem)
    {
        lock (gate)
        {
            if (!checks.TryGetValue(id, out var check)) return;
            check.DueAt = context.Time.TimestampAfter(check.Backoff.Next(error.RetryAfter));
            if (!check.State.IsKnown) check.State = new InterfaceState(IsKnown: false, problem);
        }
    }

    /// <param name="problem">Null for none.</param>
    /// <param name="nextCheck">The time until it is checked again; null for the next full resync.</param>
    private void SetState(string id, string? problem, TimeSpan? nextCheck)
    {
        lock (gate)
        {
            if (!checks.TryGetValue(id, out var check)) return;
            check.State = new InterfaceState(IsKnown: true, problem);
            check.DueAt = nextCheck is { } pause ? context.Time.TimestampAfter(pause) : long.MaxValue;
            check.Backoff.Reset();
        }
    }
}

/// <summary>The source/destination check of an interface.</summary>
/// <param name="IsKnown">Whether it has been read, or cannot be read.</param>
/// <param name="Problem">Why it may drop packets; null if it does not.</param>
internal sealed record InterfaceState(bool IsKnown, string? Problem)
{
    public static readonly InterfaceState Unknown = new(false, null);
}
