using Flannel.Core;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Runs nft and iptables.</summary>
internal static class FirewallCommand
{
    // For nft and iptables each, in one pass. Both together are far below the unit's WatchdogSec=60: the node's loop waits for them.
    internal static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Both programs say one of these.</summary>
    private static readonly string[] Refusals = ["Operation not permitted", "Permission denied"];

    private static readonly Dictionary<string, string> CommandEnvironment = new()
    {
        ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin",
    };

    /// <returns>The end of the command; a failure if it cannot be started.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the command is killed.</exception>
    public static async Task<Result<CommandOutput>> RunAsync(
        string path, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        var ended = await HostCommand.RunAsync(path, arguments, input, CommandEnvironment, cancellation);
        return ended.Ok ? ended : Result.Failure($"cannot run {Path.GetFileName(path)}: {ended.Error}");
    }

    /// <returns>The output of a command that succeeded.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the command is killed.</exception>
    public static async Task<Result<string>> ReadAsync(
        string path, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        var ended = await RunAsync(path, arguments, input, cancellation);
        return ended.Ok ? ToResult(ended.Value) : Result.Failure(ended.Error);
    }

    /// <summary>Runs a step of several commands with a time limit.</summary>
    public static Task<Result<T>> LimitAsync<T>(
        string program, Func<CancellationToken, Task<Result<T>>> step, TimeProvider time, CancellationToken cancellation)
        where T : notnull => HostCommand.LimitAsync(program, TimeLimit, step, time, cancellation);

    public static bool IsRefusal(string error) => Refusals.Any(text => error.Contains(text, StringComparison.Ordinal));

    /// <returns>The output; a failure if the command failed.</returns>
    public static Result<string> ToResult(CommandOutput ended)
    {
        if (ended.ExitCode == 0) return ended.Output;
        var error = string.Join(' ', ended.Error.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var advice = IsRefusal(error) ? " (it needs CAP_NET_ADMIN)" : "";
        return Result.Failure($"{ended.Program} failed with exit code {ended.ExitCode}: {error}{advice}");
    }
}
