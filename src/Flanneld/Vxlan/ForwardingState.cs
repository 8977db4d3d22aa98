using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Whether the tunnel is set up. Thread-safe.</summary>
/// <param name="initialReason">Why it is not, at first.</param>
internal sealed class ForwardingState(string initialReason) : IForwarding
{
    private readonly Lock gate = new();
    private string? reason = initialReason;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string? NotReadyReason
    {
        get
        {
            lock (gate) return reason;
        }
    }

    public Task Changed
    {
        get
        {
            lock (gate) return changed.Task;
        }
    }

    /// <param name="newReason">Null when it is set up.</param>
    public void Set(string? newReason)
    {
        TaskCompletionSource completed;
        lock (gate)
        {
            if (reason == newReason) return;
            reason = newReason;
            completed = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        completed.SetResult();
    }
}
