using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Execution;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>Keeps the source/destination check of the nodes' interfaces off: with it on, an interface drops what its containers send and
/// receive. On by default for new interfaces since 2025-04-22 (ECS notice 461). Runs beside the routes and never holds them up.</summary>
internal sealed class InterfaceChecks(
    string regionId, ICloudApi api, TimeProvider time, Random random, ILogger log, LivenessMonitor loops, Action changed)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SlowPause = TimeSpan.FromMinutes(10);
    private const int AtOnce = 4;

    private readonly Lock gate = new();
    private readonly AsyncAutoResetEvent signal = new(time);
    private readonly Dictionary<string, Check> checks = [];
    private readonly HashSet<string> warned = [];

    private sealed class Check(Backoff pauses)
    {
        public bool IsConcluded { get; set; }
        public string Problem { get; set; } = "";
        public long DueAt { get; set; }
        public Backoff Pauses { get; } = pauses;
    }

    /// <summary>The interfaces that count from now on; unknown ones are looked at without delay.</summary>
    public void Follow(IEnumerable<string> interfaceIds)
    {
        var ids = interfaceIds.ToHashSet();
        var isNew = false;
        lock (gate)
        {
            foreach (var gone in checks.Keys.Where(id => !ids.Contains(id)).ToList()) checks.Remove(gone);
            foreach (var id in ids) isNew |= checks.TryAdd(id, new Check(new Backoff(FirstPause, LongestPause, random)));
        }

        if (isNew) signal.Set();
    }

    /// <summary>Looks at all of them again.</summary>
    public void Recheck()
    {
        lock (gate)
        {
            foreach (var check in checks.Values) check.DueAt = 0;
        }

        signal.Set();
    }

    /// <summary>Whether the word on an interface is known, and what is wrong with it; empty when nothing is.</summary>
    public (bool IsConcluded, string Problem) Of(string interfaceId)
    {
        lock (gate) return checks.TryGetValue(interfaceId, out var check) ? (check.IsConcluded, check.Problem) : (false, "");
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        using var loop = loops.Begin($"the route controller's loop of interfaces in {regionId}", VpcReconciler.LongestWork);
        while (true)
        {
            loop.Busy();
            signal.Clear();
            var due = Due();
            if (due.Count > 0) await LookAsync(due, loop, cancellation);
            var pause = UntilNext();
            loop.Idle(pause > TimeSpan.Zero ? pause : TimeSpan.Zero);
            await signal.WaitAsync(pause, cancellation);
        }
    }

    private List<string> Due()
    {
        var now = time.GetTimestamp();
        lock (gate) return [.. checks.Where(check => check.Value.DueAt <= now).Select(check => check.Key)];
    }

    private TimeSpan UntilNext()
    {
        lock (gate)
        {
            if (checks.Count == 0) return SlowPause;
            var left = time.GetElapsedTime(time.GetTimestamp(), checks.Values.Min(check => check.DueAt));
            return left < SlowPause ? left : SlowPause;
        }
    }

    private async Task LookAsync(List<string> due, MonitoredLoop loop, CancellationToken cancellation)
    {
        loop.Busy();
        var answer = await api.DescribeNetworkInterfacesAsync(regionId, due, cancellation);
        if (answer.Error is { Kind: CloudErrorKind.Fatal } && due.Count > 1)
        {
            // One bad name spoils the call: the halves tell the bad from the good.
            await LookAsync(due[..(due.Count / 2)], loop, cancellation);
            await LookAsync(due[(due.Count / 2)..], loop, cancellation);
            return;
        }

        if (answer.Error is { } error)
        {
            foreach (var id in due) Fail(id, error, "ecs:DescribeNetworkInterfaces");
            changed();
            return;
        }

        var facts = answer.Value!.DistinctBy(fact => fact.NetworkInterfaceId).ToDictionary(fact => fact.NetworkInterfaceId);
        var on = new Queue<string>();
        foreach (var id in due)
        {
            if (!facts.TryGetValue(id, out var fact)) Conclude(id, $"interface {id} is not known to ECS", SlowPause);
            else if (fact.SourceDestCheck == true) on.Enqueue(id);
            else Conclude(id, "", TimeSpan.MaxValue);
        }

        changed();
        while (on.Count > 0)
        {
            // Hundreds of nodes that join at a throttled API take longer than any one look may.
            loop.Busy();
            cancellation.ThrowIfCancellationRequested();
            var some = Enumerable.Range(0, Math.Min(AtOnce, on.Count)).Select(_ => on.Dequeue()).ToList();
            var answers = await Task.WhenAll(some.Select(id => api.DisableSourceDestCheckAsync(regionId, id, cancellation)));
            // One after the other: the answers arrive on several threads.
            for (var i = 0; i < some.Count; i++) Learn(some[i], answers[i]);
            changed();
        }
    }

    private void Learn(string id, CloudResult<Unit> answer)
    {
        if (answer.Error is { Kind: not CloudErrorKind.AlreadyDone } error)
        {
            Fail(id, error, "ecs:ModifyNetworkInterfaceAttribute");
            return;
        }

        RouteControllerLog.CheckSwitchedOff(log, id, answer.RequestId);
        Conclude(id, "", TimeSpan.MaxValue);
    }

    private void Fail(string id, CloudError error, string action)
    {
        switch (error.Kind)
        {
            case CloudErrorKind.Denied:
                var missing = error.DeniedAction ?? action;
                if (warned.Add(missing)) RouteControllerLog.CheckDenied(log, missing, error.RequestId);
                Conclude(id, $"the source/destination check of {id} may be on: the RAM role lacks {missing}", SlowPause);
                break;
            case CloudErrorKind.Fatal:
                if (warned.Add(id + error.Code)) RouteControllerLog.CheckFailed(log, id, error.Code, error.Message, error.RequestNote);
                Conclude(id, $"the source/destination check of {id} may be on: {error.Code}", SlowPause);
                break;
            default:
                lock (gate)
                {
                    if (!checks.TryGetValue(id, out var check)) return;
                    var pause = check.Pauses.Next(error);
                    check.DueAt = Later(pause);
                    if (!check.IsConcluded) check.Problem = $"the source/destination check of {id} may be on: {error.Code}, trying again";
                }

                break;
        }
    }

    private void Conclude(string id, string problem, TimeSpan again)
    {
        lock (gate)
        {
            if (!checks.TryGetValue(id, out var check)) return;
            check.IsConcluded = true;
            check.Problem = problem;
            check.DueAt = again == TimeSpan.MaxValue ? long.MaxValue : Later(again);
            check.Pauses.Reset();
        }
    }

    private long Later(TimeSpan pause) => time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
}
