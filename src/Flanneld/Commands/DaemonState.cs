using System.Net;
using Flanneld.Host;
using Flanneld.Observability;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary>Whether a daemon runs on this host, and whether it is ready.</summary>
/// <param name="Name"><c>ready</c>, <c>waiting</c>, <c>running</c> (its readiness is not known), <c>stopped</c> or <c>unknown</c>.</param>
/// <param name="Detail">One line; may be empty.</param>
internal sealed record DaemonState(string Name, string Detail)
{
    /// <summary>Asks the health server of the daemon, and reads who holds the subnet file where there is no health server.</summary>
    public static async Task<DaemonState> ReadAsync(DaemonOptions options, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return ReadHolder(options.SubnetFile, "");
        var answer = await new DaemonHealth(options).ReadAsync("/readyz?verbose", cancellation);
        if (!answer.Ok) return ReadHolder(options.SubnetFile, answer.Error);
        var lines = answer.Value.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var isOurs = lines is [.., var last] && last.StartsWith("flanneld ", StringComparison.Ordinal);
        if (!isOurs) return new DaemonState("unknown", "another program listens on the port of --healthz-port");
        if (answer.Value.Status == HttpStatusCode.OK && lines[^1] == HealthServer.ReadyText) return new DaemonState("ready", "");
        return new DaemonState("waiting", string.Join("; ", lines.Where(line => line.StartsWith("[-]", StringComparison.Ordinal))
            .Select(line => line[3..])));
    }

    /// <summary>The lock is not tried: a daemon that starts in that moment would fail.</summary>
    private static DaemonState ReadHolder(string subnetFile, string reason)
    {
        var holder = SubnetFileLock.ReadHolder(subnetFile);
        if (!holder.Ok) return new DaemonState("unknown", holder.Error);
        return holder.Value is { IsRunning: true } running
            ? new DaemonState("running", reason.Length > 0 ? $"{running.Text}; {reason}" : $"{running.Text}; --healthz-port is 0")
            : new DaemonState("stopped", "");
    }
}
