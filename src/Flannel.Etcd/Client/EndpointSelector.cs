using Flannel.Core;

namespace Flannel.Etcd.Client;

/// <summary>Which member a request begins with. Chance gives every node one of them, its home, so that many nodes are spread evenly; a
/// node whose home fails goes to the next, and back home some minutes after, at a moment of its own: else all nodes would be on
/// the members that failed last, for ever.</summary>
internal sealed class EndpointSelector
{
    private static readonly TimeSpan First = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private readonly Lock gate = new();
    private readonly int home;
    private readonly Backoff pauses;
    private readonly TimeProvider time;
    private int current;
    private long since;
    private TimeSpan pause;
    private bool asking;
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndpointSelector(int count, TimeProvider time, Random random)
    {
        Count = count;
        this.time = time;
        home = current = random.Next(count);
        pauses = new Backoff(First, Longest, random);
    }

    public int Count { get; }

    /// <summary>Where to begin.</summary>
    public int Current
    {
        get
        {
            lock (gate) return current;
        }
    }

    /// <summary>Completes when this node goes back home: what lasts is to begin anew there.</summary>
    public Task Moved
    {
        get
        {
            lock (gate) return moved.Task;
        }
    }

    public void Answered(int member)
    {
        lock (gate) Go(member);
    }

    /// <summary>The next request begins with another member.</summary>
    public void Leave(int member)
    {
        lock (gate)
        {
            if (current == member) Go((member + 1) % Count);
        }
    }

    /// <summary>Whether it is time to ask whether home is well again; true to one caller at a time, who must then call
    /// <see cref="Asked"/>.</summary>
    public bool MustAskHome(out int member)
    {
        lock (gate)
        {
            member = home;
            if (current == home || asking || time.GetElapsedTime(since) < pause) return false;
            return asking = true;
        }
    }

    public void Asked(bool well)
    {
        lock (gate)
        {
            asking = false;
            if (current == home) return;
            if (well)
            {
                Go(home);
                moved.SetResult();
                moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            else
            {
                (since, pause) = (time.GetTimestamp(), pauses.Next());
            }
        }
    }

    private void Go(int member)
    {
        if (member == current) return;
        if (current == home) (since, pause) = (time.GetTimestamp(), pauses.Next());
        current = member;
        if (current == home) pauses.Reset();
    }
}
