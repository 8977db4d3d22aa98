using Flannel.Packaging.Tests.Files;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Reads a file again and again, and counts how often it was not there, or said something else than at first.</summary>
internal sealed class FilePoller : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task watching;
    private int reads;
    private int holes;

    public FilePoller(string path) => watching = Task.Run(() => WatchAsync(path, File.ReadAllText(path)));

    public int Reads => reads;

    public int Holes => holes;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task WatchAsync(string path, string expected)
    {
        while (true)
        {
            if (!Says(path, expected))
            {
                Interlocked.Increment(ref holes);
            }
            Interlocked.Increment(ref reads);
            await Task.Delay(TimeSpan.FromMilliseconds(1), stop.Token);
        }
    }

    private static bool Says(string path, string expected)
    {
        try
        {
            return File.ReadAllText(path) == expected;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
