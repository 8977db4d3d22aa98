using System.Collections.Concurrent;
using System.ComponentModel;

namespace Flannel.Testbed;

/// <summary>A thread in a network namespace. A socket that it creates belongs to that namespace on every thread.</summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly string path;
    private Win32Exception? enterError;

    public NamespaceThread(string path)
    {
        this.path = path;
        new Thread(Work) { IsBackground = true, Name = path }.Start();
    }

    public Task<T> RunAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                // Without the namespace the function would run in that of this process.
                done.SetResult(enterError is null ? function() : throw new TestbedException($"cannot enter {path}", enterError));
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose() => work.CompleteAdding();

    private void Work()
    {
        try
        {
            Posix.EnterNetworkNamespace(path);
        }
        catch (Win32Exception e)
        {
            enterError = e;
        }
        foreach (var action in work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
