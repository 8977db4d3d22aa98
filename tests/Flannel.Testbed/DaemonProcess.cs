using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>A running flanneld, the native executable, and its messages to the service manager.</summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    private readonly ChildProcess process;

    private DaemonProcess(ChildProcess process, NotifySocket notify) => (this.process, Notify) = (process, notify);

    public NotifySocket Notify { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public string StandardOutput => process.StandardOutput;

    public string StandardError => process.StandardError;

    /// <summary>Standard output, standard error and all messages to the service manager.</summary>
    public string AllOutput =>
        $"{StandardOutput}\n{StandardError}\n{string.Join('\n', Notify.Received.Select(message => message.Text))}";

    /// <summary>Whether READY=1 was received.</summary>
    public bool IsReady => Notify.First("READY=1") is not null;

    /// <summary>The time from the start of the process to READY=1; null before.</summary>
    public TimeSpan? StartToReady =>
        Notify.First("READY=1") is { } ready ? Stopwatch.GetElapsedTime(process.StartedAt, ready.At) : null;

    /// <param name="notifyPath">The path of the service manager's socket.</param>
    public static async Task<DaemonProcess> StartAsync(ProgramStart start, string notifyPath)
    {
        var pathInRoot = start.ChangeRoot is { } root ? notifyPath[root.Length..] : notifyPath;
        var notify = new NotifySocket(notifyPath);
        var environment = new Dictionary<string, string>(start.Environment ?? new Dictionary<string, string>())
        {
            ["NOTIFY_SOCKET"] = pathInRoot,
        };
        return new DaemonProcess(await ChildProcess.StartAsync(start with { Environment = environment }), notify);
    }

    /// <summary>Waits for READY=1.</summary>
    /// <returns>The time from the start of the process.</returns>
    /// <exception cref="TestbedException">The daemon ended or the limit passed; the message includes its log.</exception>
    public async Task<TimeSpan> WaitForReadyAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        try
        {
            await Task.WhenAny(Notify.Ready, process.Ended).WaitAsync(limit ?? Eventually.Limit, cancel);
        }
        catch (TimeoutException)
        {
            throw new TestbedException($"flanneld is not ready after {limit ?? Eventually.Limit}\n{AllOutput}");
        }
        if (!IsReady)
        {
            throw new TestbedException($"flanneld ended before it was ready\n{AllOutput}");
        }
        return StartToReady!.Value;
    }

    /// <summary>Waits until the log contains the text. The loggers of one process share the log: a text that must come from one of them
    /// needs the words that only this one uses.</summary>
    public Task WaitForLogAsync(string text, CancellationToken cancel, TimeSpan? limit = null) => Eventually.IsAsync(
        $"flanneld logs '{text}'", () => Task.FromResult(StandardError.Contains(text, StringComparison.Ordinal)), cancel, limit,
        () => AllOutput);

    public Task<int> WaitForExitAsync(CancellationToken cancel, TimeSpan? limit = null) => process.WaitForExitAsync(cancel, limit);

    /// <summary>Sends SIGTERM, as systemd does; returns the exit code.</summary>
    public Task<int> StopAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        process.Terminate();
        return process.WaitForExitAsync(cancel, limit);
    }

    /// <summary>Sends SIGINT, as Ctrl-C does; returns the exit code.</summary>
    public Task<int> InterruptAsync(CancellationToken cancel)
    {
        process.Interrupt();
        return process.WaitForExitAsync(cancel);
    }

    /// <summary>Sends SIGKILL; returns the exit code.</summary>
    public Task<int> KillAsync(CancellationToken cancel)
    {
        process.Kill();
        return process.WaitForExitAsync(cancel);
    }

    /// <summary>Sends SIGHUP, as the end of a terminal session does.</summary>
    public void HangUp() => process.HangUp();

    /// <summary>Sends SIGUSR1: the daemon logs its state.</summary>
    public void RequestState() => process.RequestState();

    /// <summary>Sends SIGSTOP: the daemon keeps its connections and does nothing.</summary>
    public void Pause() => process.Pause();

    public void Resume() => process.Resume();

    public ResidentMemory Memory => ResidentMemory.Of(Id);

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        Notify.Dispose();
    }
}
