using System.ComponentModel;

namespace Flannel.Testbed;

/// <summary>A thread in a network namespace. A socket that it creates belongs to that namespace on every thread.</summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly WorkerThread thread;
    private readonly string path;
    private readonly Task<bool> entered;

    public NamespaceThread(string path)
    {
        this.path = path;
        thread = new WorkerThread(path);
        entered = thread.RunAsync(() =>
        {
            Posix.EnterNetworkNamespace(path);
            return true;
        });
    }

    public async Task<T> RunAsync<T>(Func<T> function)
    {
        try
        {
            // Without the namespace the function would run in that of this process.
            await entered;
        }
        catch (Win32Exception e)
        {
            throw new TestbedException($"cannot enter {path}", e);
        }
        return await thread.RunAsync(function);
    }

    public void Dispose() => thread.Dispose();
}
