using System.Diagnostics;
using System.Text;

namespace Flannel.Testbed;

/// <summary>A running program with all that it ever printed. Disposing kills it, and fails if it is flanneld and has printed a secret.</summary>
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
        ended = Task.WhenAll(DrainAsync(process.StandardOutput, output, logFile), DrainAsync(process.StandardError, error, logFile), process.WaitForExitAsync());
    }

    /// <summary><see cref="Stopwatch.GetTimestamp"/> just before it was started.</summary>
    public long StartedAt { get; }

    public int Id => process.Id;

    /// <summary>Completes when it has ended and all its output is read.</summary>
    public Task Ended => ended;

    public bool HasExited => process.HasExited;

    public string StandardOutput => Text(output);

    public string StandardError => Text(error);

    /// <summary>Its standard input: closing it tells a program that asked for it to end.</summary>
    public StreamWriter StandardInput => process.StandardInput;

    public static async Task<ChildProcess> StartAsync(ProgramStart start)
    {
        var process = new Process { StartInfo = start.ToProcessStartInfo() };
        var startedAt = Stopwatch.GetTimestamp();
        await Spawner.StartAsync(process);
        return new ChildProcess(process, startedAt, start);
    }

    /// <summary>Waits for its end and until all its output is read. Returns the exit code (128 + n when signal n ended it).</summary>
    /// <exception cref="TestbedException">It still runs after the limit.</exception>
    public async Task<int> WaitForExitAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        try
        {
            await ended.WaitAsync(limit ?? Eventually.Limit, cancel);
        }
        catch (TimeoutException)
        {
            throw new TestbedException($"{this.process.StartInfo.FileName} (process {Id}) did not end within {limit ?? Eventually.Limit}\n{StandardError}");
        }
        return this.process.ExitCode;
    }

    /// <summary>Asks it to end. False when it is gone already.</summary>
    public bool Terminate() => Send(Posix.SigTerm);

    public bool Interrupt() => Send(2);

    /// <summary>As the end of a terminal session does.</summary>
    public bool HangUp() => Send(Posix.SigHup);

    /// <summary>As the power fails: no clean-up of its own.</summary>
    public bool Kill() => Send(Posix.SigKill);

    /// <summary>Hangs it, connections open; <see cref="Resume"/> ends that.</summary>
    public bool Pause() => Send(Posix.SigStop);

    public bool Resume() => Send(Posix.SigContinue);

    public async ValueTask DisposeAsync()
    {
        Kill();
        await ended;
        var isOurs = start.Program.EndsWith("/flanneld", StringComparison.Ordinal);
        process.Dispose();
        if (isOurs)
        {
            SecretWatch.Look($"what flanneld {string.Join(' ', start.Arguments)} printed", StandardOutput + StandardError);
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
