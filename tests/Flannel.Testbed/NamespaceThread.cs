using System.Collections.Concurrent;
using System.ComponentModel;

namespace Flannel.Testbed;

/// <summary>A thread that lives in a network namespace: a socket that is made on it stays there, wherever it is used later.</summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly string _path;
    private Win32Exception? _notEntered;

    public NamespaceThread(string path)
    {
        _path = path;
        new Thread(Work) { IsBackground = true, Name = path }.Start();
    }

    public Task<T> RunAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                // Never do in our own namespace what was meant for that one.
                done.SetResult(_notEntered is null ? function() : throw new TestbedException($"cannot enter {_path}", _notEntered));
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose() => _work.CompleteAdding();

    private void Work()
    {
        try
        {
            Posix.EnterNetworkNamespace(_path);
        }
        catch (Win32Exception e)
        {
            _notEntered = e;
        }
        foreach (var action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
