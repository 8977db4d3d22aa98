using System.Diagnostics;
using System.Globalization;

namespace Flannel.Testbed;

/// <summary>A running flanneld, the native executable, with the service manager's view of it.</summary>
public sealed class DaemonProcess : IAsyncDisposable
{
    private readonly ChildProcess process;

    private DaemonProcess(ChildProcess process, NotifySocket notify) => (this.process, Notify) = (process, notify);

    public NotifySocket Notify { get; }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public string StandardOutput => process.StandardOutput;

    public string StandardError => process.StandardError;

    /// <summary>All that it ever said, to anyone.</summary>
    public string Everything => $"{StandardOutput}\n{StandardError}\n{string.Join('\n', Notify.Received.Select(message => message.Text))}";

    /// <summary>Whether it has said READY=1.</summary>
    public bool IsReady => Notify.First("READY=1") is not null;

    /// <summary>From just before it was started to READY=1. Null while it is not ready.</summary>
    public TimeSpan? StartToReady => Notify.First("READY=1") is { } ready ? Stopwatch.GetElapsedTime(process.StartedAt, ready.At) : null;

    /// <param name="notifyPath">Where the service manager's socket is to be.</param>
    public static async Task<DaemonProcess> StartAsync(ProgramStart start, string notifyPath)
    {
        var seenByDaemon = start.ChangeRoot is { } root ? notifyPath[root.Length..] : notifyPath;
        var notify = new NotifySocket(notifyPath);
        var environment = new Dictionary<string, string>(start.Environment ?? new Dictionary<string, string>()) { ["NOTIFY_SOCKET"] = seenByDaemon };
        return new DaemonProcess(await ChildProcess.StartAsync(start with { Environment = environment }), notify);
    }

    /// <summary>Waits for READY=1 and returns how long it took from the start.</summary>
    /// <exception cref="TestbedException">It ended, or the limit passed; the message carries its log.</exception>
    public async Task<TimeSpan> WaitForReadyAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        try
        {
            await Task.WhenAny(Notify.Ready, process.Ended).WaitAsync(limit ?? Eventually.Limit, cancel);
        }
        catch (TimeoutException)
        {
            throw new TestbedException($"flanneld is not ready after {limit ?? Eventually.Limit}\n{Everything}");
        }
        if (!IsReady)
        {
            throw new TestbedException($"flanneld ended before it was ready\n{Everything}");
        }
        return StartToReady!.Value;
    }

    /// <summary>Waits until its log holds the text.</summary>
    public Task WaitForLogAsync(string text, CancellationToken cancel, TimeSpan? limit = null) =>
        Eventually.IsAsync($"flanneld logs '{text}'", () => Task.FromResult(Everything.Contains(text, StringComparison.OrdinalIgnoreCase)), cancel, limit, () => Everything);

    public Task<int> WaitForExitAsync(CancellationToken cancel, TimeSpan? limit = null) => process.WaitForExitAsync(cancel, limit);

    /// <summary>SIGTERM, as systemd stops it; returns the exit code.</summary>
    public Task<int> StopAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        process.Terminate();
        return process.WaitForExitAsync(cancel, limit);
    }

    /// <summary>SIGINT, as Ctrl-C.</summary>
    public Task<int> InterruptAsync(CancellationToken cancel)
    {
        process.Interrupt();
        return process.WaitForExitAsync(cancel);
    }

    /// <summary>SIGKILL, as a power failure.</summary>
    public Task<int> KillAsync(CancellationToken cancel)
    {
        process.Kill();
        return process.WaitForExitAsync(cancel);
    }

    /// <summary>SIGHUP, as the end of a terminal session sends it.</summary>
    public void HangUp() => process.HangUp();

    /// <summary>SIGSTOP: it holds its connections and does nothing.</summary>
    public void Pause() => process.Pause();

    public void Resume() => process.Resume();

    /// <summary>Resident memory in bytes, as the kernel counts it now.</summary>
    public long ResidentBytes => Status("VmRSS:") * 1024;

    /// <summary>The most that was ever resident, in bytes.</summary>
    public long PeakResidentBytes => Status("VmHWM:") * 1024;

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        Notify.Dispose();
    }

    private long Status(string field)
    {
        var line = File.ReadLines($"/proc/{Id}/status").Single(line => line.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }
}
