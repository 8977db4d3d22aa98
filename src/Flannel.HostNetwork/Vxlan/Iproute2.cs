using Flannel.Core;

namespace Flannel.HostNetwork.Vxlan;

/// <summary><c>ip</c> and <c>bridge</c> as processes. Each is killed if it does not end in time.</summary>
public sealed class Iproute2(TimeProvider time) : IHostCommands
{
    // 2,000 lines of a batch take less than a second. Far below the unit's WatchdogSec=60.
    internal static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(15);

    /// <summary>The package that has the programs.</summary>
    public const string Package = "iproute2 (iproute in rpm distributions)";

    /// <summary>The folders of the programs.</summary>
    internal ProgramFolders Folders { get; init; } = ProgramFolders.OfThisHost();

    /// <summary>Null if iproute2 is not installed.</summary>
    public static Iproute2? OfThisHost(TimeProvider time)
    {
        var commands = new Iproute2(time);
        return commands.Folders.Find("ip") is null ? null : commands;
    }

    public Task<Result<string>> RunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation) =>
        HostCommand.LimitAsync(program, CommandTimeout, stop => RunToEndAsync(program, arguments, input, stop), time, cancellation);

    private async Task<Result<string>> RunToEndAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
    {
        // Messages are compared in English.
        var environment = new Dictionary<string, string> { ["PATH"] = Folders.SearchPath, ["LC_ALL"] = "C" };
        var ended = await HostCommand.RunAsync(Folders.Find(program) ?? program, arguments, input, environment, cancellation);
        if (!ended.Ok) return Result.Failure(IprouteErrors.DescribeStart(program, ended.Error, Folders.Advise(Package)));
        var (_, exitCode, output, error) = ended.Value;
        return exitCode == 0 ? output : Result.Failure(IprouteErrors.Describe(program, exitCode, error));
    }
}
