using Flannel.Packaging.Tests.Files;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Reads a file again and again, and counts how often it was not there, or said something else than at first.</summary>
internal sealed class FileWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;
    private int _reads;
    private int _holes;

    public FileWatch(string path) => _watching = Task.Run(() => WatchAsync(path, File.ReadAllText(path)));

    public int Reads => _reads;

    public int Holes => _holes;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(string path, string expected)
    {
        while (true)
        {
            if (!Says(path, expected))
            {
                Interlocked.Increment(ref _holes);
            }
            Interlocked.Increment(ref _reads);
            await Task.Delay(TimeSpan.FromMilliseconds(1), _stop.Token);
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
