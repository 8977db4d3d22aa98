using System.Collections.Concurrent;
using System.ComponentModel;

namespace Flannel.Testbed;

/// <summary>A thread that lives in a network namespace: a socket that is made on it stays there, wherever it is used later.</summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly string path;
    private Win32Exception? notEntered;

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
                // Never do in our own namespace what was meant for that one.
                done.SetResult(notEntered is null ? function() : throw new TestbedException($"cannot enter {path}", notEntered));
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
            notEntered = e;
        }
        foreach (var action in work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
