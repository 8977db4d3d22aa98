namespace Flannel.Core;

/// <summary>A value that one task sets and others wait for. Thread-safe.</summary>
public sealed class ObservableValue<T>(T initial)
{
    private readonly Lock gate = new();
    private T current = initial;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public T Current
    {
        get
        {
            lock (gate) return current;
        }
    }

    /// <summary>Completes with the next <see cref="Set"/>.</summary>
    public Task Changed
    {
        get
        {
            lock (gate) return changed.Task;
        }
    }

    public void Set(T value)
    {
        TaskCompletionSource completed;
        lock (gate)
        {
            current = value;
            completed = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        completed.SetResult();
    }
}
