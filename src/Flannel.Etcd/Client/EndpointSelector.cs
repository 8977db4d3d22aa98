using Flannel.Core;

namespace Flannel.Etcd.Client;

/// <summary>Selects the member that a request is sent to first. Each node has a preferred member, chosen at random, so that many nodes
/// spread evenly. A node whose preferred member fails uses the next one, and returns some minutes after, at a random time: otherwise all
/// nodes would stay on the members that failed last. Thread-safe.</summary>
internal sealed class EndpointSelector
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(15);

    private readonly Lock gate = new();
    private readonly int preferred;
    private readonly Backoff pauses;
    private readonly TimeProvider time;
    private int current;
    private long probeAt;
    private bool isProbing;
    private TaskCompletionSource returned = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndpointSelector(int count, TimeProvider time, Random random)
    {
        Count = count;
        this.time = time;
        preferred = current = random.Next(count);
        pauses = new Backoff(FirstPause, LongestPause, random);
    }

    public int Count { get; }

    /// <summary>The member that this node uses while it is available.</summary>
    public int Preferred => preferred;

    /// <summary>The member that the next request is sent to first.</summary>
    public int Current
    {
        get
        {
            lock (gate) return current;
        }
    }

    /// <summary>Completes when this node returns to its preferred member: long-lived streams move there.</summary>
    public Task Returned
    {
        get
        {
            lock (gate) return returned.Task;
        }
    }

    /// <summary>The next request is sent to this member.</summary>
    public void ReportResponse(int member)
    {
        lock (gate) Select(member);
    }

    /// <summary>The next request is sent to another member.</summary>
    public void ReportFailure(int member)
    {
        lock (gate)
        {
            if (current == member) Select((member + 1) % Count);
        }
    }

    /// <summary>Begins a probe of the preferred member, if one is due and none is running. The caller must then call
    /// <see cref="EndProbe"/>.</summary>
    /// <returns>The preferred member; null if no probe begins.</returns>
    public int? BeginProbe()
    {
        lock (gate)
        {
            if (current == preferred || isProbing || !time.IsPast(probeAt)) return null;
            isProbing = true;
            return preferred;
        }
    }

    public void EndProbe(bool isAvailable)
    {
        lock (gate)
        {
            isProbing = false;
            if (current == preferred) return;
            if (!isAvailable)
            {
                probeAt = time.TimestampAfter(pauses.Next());
                return;
            }

            Select(preferred);
            returned.SetResult();
            returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Select(int member)
    {
        if (member == current) return;
        if (current == preferred) probeAt = time.TimestampAfter(pauses.Next());
        current = member;
        if (current == preferred) pauses.Reset();
    }
}
