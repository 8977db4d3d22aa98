using System.Diagnostics;
using System.Text;

namespace Flannel.Testbed;

/// <summary>A running program with all that it ever printed. Disposing kills it, and fails if it is flanneld and has printed a secret.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ProgramStart _start;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Task _ended;

    private ChildProcess(Process process, long startedAt, ProgramStart start)
    {
        _process = process;
        _start = start;
        var logFile = start.LogFile;
        StartedAt = startedAt;
        _ended = Task.WhenAll(DrainAsync(process.StandardOutput, _output, logFile), DrainAsync(process.StandardError, _error, logFile), process.WaitForExitAsync());
    }

    /// <summary><see cref="Stopwatch.GetTimestamp"/> just before it was started.</summary>
    public long StartedAt { get; }

    public int Id => _process.Id;

    /// <summary>Completes when it has ended and all its output is read.</summary>
    public Task Ended => _ended;

    public bool HasExited => _process.HasExited;

    public string StandardOutput => Text(_output);

    public string StandardError => Text(_error);

    /// <summary>Its standard input: closing it tells a program that asked for it to end.</summary>
    public StreamWriter StandardInput => _process.StandardInput;

    public static async Task<ChildProcess> StartAsync(ProgramStart start)
    {
        var process = new Process { StartInfo = start.ToProcessStartInfo() };
        var startedAt = Stopwatch.GetTimestamp();
        await Spawner.StartAsync(process).ConfigureAwait(false);
        return new ChildProcess(process, startedAt, start);
    }

    /// <summary>Waits for its end and until all its output is read. Returns the exit code (128 + n when signal n ended it).</summary>
    /// <exception cref="TestbedException">It still runs after the limit.</exception>
    public async Task<int> WaitForExitAsync(CancellationToken cancel, TimeSpan? limit = null)
    {
        try
        {
            await _ended.WaitAsync(limit ?? Eventually.Limit, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new TestbedException($"{_process.StartInfo.FileName} (process {Id}) did not end within {limit ?? Eventually.Limit}\n{StandardError}");
        }
        return _process.ExitCode;
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
        await _ended.ConfigureAwait(false);
        var isOurs = _start.Program.EndsWith("/flanneld", StringComparison.Ordinal);
        _process.Dispose();
        if (isOurs)
        {
            SecretWatch.Look($"what flanneld {string.Join(' ', _start.Arguments)} printed", StandardOutput + StandardError);
        }
    }

    private bool Send(int signal) => !_process.HasExited && Posix.Signal(_process.Id, signal);

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
        while ((read = await reader.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            lock (into)
            {
                into.Append(buffer, 0, read);
            }
            if (logFile is not null)
            {
                lock (_process)
                {
                    File.AppendAllText(logFile, new string(buffer, 0, read));
                }
            }
        }
    }
}
