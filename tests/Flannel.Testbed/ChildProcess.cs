using System.Diagnostics;
using System.Text;

namespace Flannel.Testbed;

/// <summary>A running program and its whole output. Disposing kills it, and fails if it is flanneld and printed a secret.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ProgramStart start;
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();
    private readonly Task ended;

    private ChildProcess(Process process, long startedAt, ProgramStart start)
    {
        this.process = process;
        this.start = start;
        var logFile = start.LogFile;
        StartedAt = startedAt;
        ended = Task.WhenAll(
            DrainAsync(process.StandardOutput, output, logFile), DrainAsync(process.StandardError, error, logFile),
            process.WaitForExitAsync());
    }

    /// <summary><see cref="Stopwatch.GetTimestamp"/> just before it was started.</summary>
    public long StartedAt { get; }

    public int Id => process.Id;

    /// <summary>Completes when it has ended and all its output is read.</summary>
    public Task Ended => ended;

    public bool HasExited => process.HasExited;

    public string StandardOutput => Text(output);

    public string StandardError => Text(error);

    public StreamWriter StandardInput => process.StandardInput;

    public static async Task<ChildProcess> StartAsync(ProgramStart start)
    {
        var process = new Process { StartInfo = start.ToProcessStartInfo() };
        var startedAt = Stopwatch.GetTimestamp();
        await ProcessStarter.StartAsync(process);
        return new ChildProcess(process, startedAt, start);
    }

    /// <summary>Waits until the process has ended and all its output is read.</summary>
    /// <returns>The exit code; 128 + n if signal n ended it.</returns>
    /// <exception cref="TestbedException">The process still runs after the limit.</exception>
    public async Task<int> WaitForExitAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        try
        {
            await ended.WaitAsync(limit ?? Eventually.Limit, cancel);
        }
        catch (TimeoutException)
        {
            throw new TestbedException(
                $"{process.StartInfo.FileName} (process {Id}) did not end within {limit ?? Eventually.Limit}\n{StandardError}");
        }
        return process.ExitCode;
    }

    /// <summary>Sends SIGTERM. False if the process has ended already, as for all signals here.</summary>
    public bool Terminate() => Send(Posix.SigTerm);

    public bool Interrupt() => Send(Posix.SigInt);

    public bool HangUp() => Send(Posix.SigHup);

    public bool RequestState() => Send(Posix.SigUsr1);

    public bool Kill() => Send(Posix.SigKill);

    /// <summary>Sends SIGSTOP: the process keeps its connections open and does not respond until <see cref="Resume"/>.</summary>
    public bool Pause() => Send(Posix.SigStop);

    public bool Resume() => Send(Posix.SigContinue);

    public async ValueTask DisposeAsync()
    {
        Kill();
        await ended;
        var isFlanneld = start.Program.EndsWith("/flanneld", StringComparison.Ordinal);
        process.Dispose();
        if (isFlanneld)
        {
            SecretScanner.AssertNoneIn($"the output of flanneld {string.Join(' ', start.Arguments)}", StandardOutput + StandardError);
        }
    }

    private bool Send(int signal) => !process.HasExited && Posix.Signal(process.Id, signal);

    private static string Text(StringBuilder builder)
    {
        lock (builder)
        {
            return builder.ToString();
        }
    }

    private async Task DrainAsync(StreamReader reader, StringBuilder into, string? logFile)
    {
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer)) > 0)
        {
            lock (into)
            {
                into.Append(buffer, 0, read);
            }
            if (logFile is not null)
            {
                lock (process)
                {
                    File.AppendAllText(logFile, new string(buffer, 0, read));
                }
            }
        }
    }
}
