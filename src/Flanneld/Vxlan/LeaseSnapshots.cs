using Flannel.Core.Leases;

namespace Flanneld.Vxlan;

/// <summary>The newest snapshot of all leases. Thread-safe.</summary>
internal sealed class LeaseSnapshots(ISubnetManager subnets)
{
    private readonly Lock gate = new();
    private LeaseSnapshot? current;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null before the first list.</summary>
    public LeaseSnapshot? Current
    {
        get
        {
            lock (gate) return current;
        }
    }

    /// <summary>Completes with the next snapshot.</summary>
    public Task Changed
    {
        get
        {
            lock (gate) return changed.Task;
        }
    }

    /// <summary>Watches the leases until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var snapshot in subnets.WatchLeasesAsync(cancellation))
        {
            TaskCompletionSource completed;
            lock (gate)
            {
                current = snapshot;
                completed = changed;
                changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            completed.SetResult();
        }
    }
}
