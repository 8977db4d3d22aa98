using System.ComponentModel;
using System.Diagnostics;
using Flannel.Core;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The end of a command.</summary>
internal sealed record CommandOutput(string Program, int ExitCode, string Output, string Error)
{
    /// <summary>Both programs say one of these.</summary>
    private static readonly string[] s_refusals = ["Operation not permitted", "Permission denied"];

    public bool IsRefused => IsRefusal(Error);

    public static bool IsRefusal(string error) => s_refusals.Any(text => error.Contains(text, StringComparison.Ordinal));

    /// <summary>The output of a command that succeeded.</summary>
    public Result<string> ToResult() => ExitCode == 0
        ? Output
        : Result.Failure(
            $"{Program} failed with exit code {ExitCode}: {string.Join(' ', Error.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}"
            + (IsRefused ? " (it needs CAP_NET_ADMIN)" : ""));
}

/// <summary>Runs nft and iptables.</summary>
internal static class FirewallCommand
{
    // For nft and iptables each, in one pass. Both together are far below the unit's WatchdogSec=60: the node's loop waits for them.
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    /// <returns>The end of the command; a failure if it cannot be started.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the command is killed.</exception>
    public static async Task<Result<CommandOutput>> RunAsync(
        string path, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        var program = Path.GetFileName(path);
        try
        {
            return await RunToEndAsync(program, CreateStartInfo(path, arguments), input, cancellation);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            return Result.Failure($"cannot run {program}: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    /// <summary>Runs a step of several commands with a time limit.</summary>
    public static async Task<Result<T>> LimitAsync<T>(
        string program, Func<CancellationToken, Task<Result<T>>> step, TimeProvider time, CancellationToken cancellation) where T : notnull
    {
        using var limit = new CancellationTokenSource(TimeLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await step(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"{program} did not end within {TimeLimit.TotalSeconds:0} s");
        }
    }

    private static async Task<CommandOutput> RunToEndAsync(
        string program, ProcessStartInfo start, string input, CancellationToken cancellation)
    {
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            await WriteInputAsync(process, input, cancellation);
            await Task.WhenAll(output, error);
            await process.WaitForExitAsync(cancellation);
            return new CommandOutput(program, process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private static async Task WriteInputAsync(Process process, string input, CancellationToken cancellation)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command ended without reading; its exit code and its error say why.
        }
    }

    private static ProcessStartInfo CreateStartInfo(string path, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // The child gets PATH only: the daemon's environment may hold secrets.
        var folders = start.Environment.TryGetValue("PATH", out var own) ? own : "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment.Clear();
        start.Environment["PATH"] = folders;
        return start;
    }
}
