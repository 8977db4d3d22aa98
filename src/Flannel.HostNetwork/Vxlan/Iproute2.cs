using System.ComponentModel;
using System.Diagnostics;
using Flannel.Core;

namespace Flannel.HostNetwork.Vxlan;

/// <summary><c>ip</c> and <c>bridge</c> as processes. Each is killed if it does not end in time.</summary>
public sealed class Iproute2(TimeProvider time) : IHostCommands
{
    // 2,000 lines of a batch take less than a second. Far below the unit's WatchdogSec=60.
    internal static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(15);

    private const string SystemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The folders of the programs; null for PATH and the system's folders.</summary>
    internal string? Folders { get; init; }

    /// <summary>The name of a network namespace to run the commands in; null for that of this process.</summary>
    public string? NamespaceName { get; init; }

    public async Task<Result<string>> RunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(CommandTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await RunToEndAsync(program, arguments, input, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"{program} did not end within {CommandTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            return Result.Failure(IprouteErrors.DescribeStart(program, e.Message));
        }
    }

    private async Task<Result<string>> RunToEndAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        using var process = Process.Start(CreateStartInfo(program, arguments))!;
        try
        {
            // Both at once: a full pipe would block the command.
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellation);
            process.StandardInput.Close();
            var printed = await output;
            var problem = await error;
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode == 0 ? printed : Result.Failure(IprouteErrors.Describe(program, process.ExitCode, problem));
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private ProcessStartInfo CreateStartInfo(string program, IReadOnlyList<string> arguments)
    {
        List<string> all = NamespaceName is null ? [.. arguments] : ["-n", NamespaceName, .. arguments];
        var path = Folders ?? SearchPath();
        var start = new ProcessStartInfo(Find(program, path), all)
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // The child gets PATH only: the daemon's environment may hold secrets.
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    /// <summary>The PATH of an ordinary user often lacks the folders of the system's programs.</summary>
    private static string SearchPath() =>
        Environment.GetEnvironmentVariable("PATH") is { Length: > 0 } path ? $"{path}:{SystemPath}" : SystemPath;

    private static string Find(string program, string path) =>
        path.Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists) ?? program;
}
