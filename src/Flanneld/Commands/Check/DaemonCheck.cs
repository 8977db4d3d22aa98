using Flanneld.Commands.Status;
using Flanneld.Node;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Reports what the running daemon says about itself. A reason that no other check finds is a problem; the others are those of
/// other checks.</summary>
internal sealed class DaemonCheck(DaemonOptions options, CheckSection results)
{
    /// <summary>The check of <c>/readyz</c> about <c>subnet.env</c>: only the daemon knows why it cannot write the file.</summary>
    private const string SubnetFile = NodeStatus.SubnetFileCheck + " ";

    public async Task RunAsync(CancellationToken cancellation) =>
        results.Add(Describe(await DaemonState.ReadAsync(options, cancellation)));

    internal static CheckResult Describe(DaemonState daemon)
    {
        var kind = CheckKind.Daemon;
        if (daemon.Failures.FirstOrDefault(failure => failure.StartsWith(SubnetFile, StringComparison.Ordinal)) is { } failed
            && daemon.Failures.Count == 1)
        {
            return CheckResult.Problem(kind, failed, "correct the permissions or the free space of the folder; the daemon retries");
        }

        return daemon.Name switch
        {
            DaemonState.Ready => CheckResult.Ok(kind, "ready"),
            DaemonState.Waiting => CheckResult.Note(kind, $"waits: {daemon.Detail}"),
            DaemonState.Running => CheckResult.Note(kind, daemon.Detail),
            DaemonState.Stopped => CheckResult.Note(kind, "none runs"),
            _ => CheckResult.Unknown(kind, daemon.Detail),
        };
    }
}
