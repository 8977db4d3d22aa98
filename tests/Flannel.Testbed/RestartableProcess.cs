namespace Flannel.Testbed;

/// <summary>A server program that can be stopped, killed and started again. Disposing kills it.</summary>
internal sealed class RestartableProcess : IAsyncDisposable
{
    private ChildProcess? process;

    /// <summary>The process of the last start.</summary>
    public ChildProcess Process => process ?? throw new InvalidOperationException("not started");

    public bool IsRunning => process is { HasExited: false };

    public async Task StartAsync(ProgramStart start)
    {
        await DisposeAsync();
        process = await ChildProcess.StartAsync(start);
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        Process.Terminate();
        await Process.WaitForExitAsync(cancel);
    }

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    public async Task KillAsync(CancellationToken cancel)
    {
        Process.Kill();
        await Process.WaitForExitAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
    }
}
