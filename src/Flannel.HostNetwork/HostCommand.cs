using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Flannel.Core;

namespace Flannel.HostNetwork;

/// <summary>The end of a command.</summary>
public sealed record CommandOutput(string Program, int ExitCode, string Output, string Error);

/// <summary>Runs a program of the host.</summary>
public static class HostCommand
{
    /// <param name="environment">The whole environment of the command: that of the daemon may hold secrets.</param>
    /// <returns>The end of the command; fails with the reason, one line, if it cannot be started.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the command is killed.</exception>
    public static async Task<Result<CommandOutput>> RunAsync(
        string path, IReadOnlyList<string> arguments, string input, IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellation)
    {
        try
        {
            return await RunToEndAsync(CreateStartInfo(path, arguments, environment), input, cancellation);
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            return Result.Failure(e.Message.ReplaceLineEndings(" ").Trim());
        }
    }

    /// <summary>Runs a step of one or more commands with a time limit.</summary>
    public static async Task<Result<T>> LimitAsync<T>(
        string program, TimeSpan atMost, Func<CancellationToken, Task<Result<T>>> step, TimeProvider time,
        CancellationToken cancellation) where T : notnull
    {
        using var limit = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await step(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"{program} did not end within {atMost.TotalSeconds:0} s");
        }
    }

    private static async Task<CommandOutput> RunToEndAsync(ProcessStartInfo start, string input, CancellationToken cancellation)
    {
        using var process = Process.Start(start)!;
        try
        {
            // Both at once: a full pipe would block the command.
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            await WriteInputAsync(process, input, cancellation);
            await Task.WhenAll(output, error);
            await process.WaitForExitAsync(cancellation);
            return new CommandOutput(Path.GetFileName(start.FileName), process.ExitCode, await output, await error);
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

    private static ProcessStartInfo CreateStartInfo(
        string path, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            // Not the locale's. Invalid bytes become U+FFFD.
            StandardErrorEncoding = Encoding.UTF8,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return start;
    }
}
