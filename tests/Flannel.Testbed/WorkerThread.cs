using System.Collections.Concurrent;

namespace Flannel.Testbed;

/// <summary>A thread that runs functions one after another until it is disposed of.</summary>
internal sealed class WorkerThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];

    public WorkerThread(string name) => new Thread(Work) { IsBackground = true, Name = name }.Start();

    public Task<T> RunAsync<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                result.SetResult(function());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        });
        return result.Task;
    }

    /// <summary>Ends the thread after the functions that are queued.</summary>
    public void Dispose() => work.CompleteAdding();

    private void Work()
    {
        foreach (var action in work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
