namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Reads a file repeatedly and counts how often it was missing or had other contents than at first.</summary>
internal sealed class FilePoller : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task polling;
    private int reads;
    private int mismatches;

    public FilePoller(string path) => polling = Task.Run(() => PollAsync(path, File.ReadAllText(path)));

    public int Reads => reads;

    public int Mismatches => mismatches;

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await polling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task PollAsync(string path, string expected)
    {
        while (true)
        {
            if (!Matches(path, expected))
            {
                Interlocked.Increment(ref mismatches);
            }
            Interlocked.Increment(ref reads);
            await Task.Delay(TimeSpan.FromMilliseconds(1), stop.Token);
        }
    }

    private static bool Matches(string path, string expected)
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
