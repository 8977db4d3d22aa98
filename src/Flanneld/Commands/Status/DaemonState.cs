using System.Net;
using Flanneld.Host;
using Flanneld.Observability;
using Flanneld.Options;

namespace Flanneld.Commands.Status;

/// <summary>Whether a daemon runs on this host, and whether it is ready.</summary>
/// <param name="Name">One of the constants; programs read it.</param>
/// <param name="Detail">One line; may be empty.</param>
internal sealed record DaemonState(string Name, string Detail)
{
    /// <summary>The failing checks of its <c>/readyz</c>, one line each.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>The settings of its service that have changed since it started, one line each without values; null if they are not
    /// known.</summary>
    public IReadOnlyList<string>? ChangedSettings { get; init; }

    public const string Ready = "ready";
    public const string Waiting = "waiting";

    /// <summary>Its readiness is not known.</summary>
    public const string Running = "running";

    public const string Stopped = "stopped";
    public const string Unknown = "unknown";

    /// <summary>The state with <see cref="ChangedSettings"/>.</summary>
    public static async Task<DaemonState> ReadAsync(DaemonOptions options, CancellationToken cancellation)
    {
        var state = await ReadReadinessAsync(options, cancellation);
        if (SubnetFileLock.ReadHolder(options.SubnetFile) is not { Ok: true, Value: { IsRunning: true } holder }) return state;
        return state with
        {
            ChangedSettings = RunningSettings.FindChanges(holder.ProcessId, options.Installed, HostFiles.OfThisHost),
        };
    }

    /// <summary>Reads <c>/readyz</c> of the daemon; without a response, who holds the lock of the subnet file.</summary>
    private static async Task<DaemonState> ReadReadinessAsync(DaemonOptions options, CancellationToken cancellation)
    {
        if (options.HealthzPort == 0) return ReadHolder(options.SubnetFile, "");
        var response = await new HealthClient(options).ReadAsync("/readyz?verbose", cancellation);
        if (!response.Ok) return ReadHolder(options.SubnetFile, response.Error);
        var lines = response.Value.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var isOurs = lines is [.., var last] && last.StartsWith("flanneld ", StringComparison.Ordinal);
        if (!isOurs) return new DaemonState(Unknown, "another program listens on the port of --healthz-port");
        if (response.Value.Status == HttpStatusCode.OK && lines[^1] == HealthServer.ReadyText) return new DaemonState(Ready, "");
        List<string> failures = [.. lines.Where(line => line.StartsWith(HealthServer.FailedMark, StringComparison.Ordinal))
            .Select(line => line[HealthServer.FailedMark.Length..])];
        return new DaemonState(Waiting, string.Join("; ", failures)) { Failures = failures };
    }

    /// <summary>The lock is not tried: a daemon that starts in that moment would fail.</summary>
    private static DaemonState ReadHolder(string subnetFile, string reason)
    {
        var holder = SubnetFileLock.ReadHolder(subnetFile);
        if (!holder.Ok) return new DaemonState(Unknown, holder.Error);
        return holder.Value is { IsRunning: true } running
            ? new DaemonState(Running, reason.Length > 0 ? $"{running.Text}; {reason}" : $"{running.Text}; --healthz-port is 0")
            : new DaemonState(Stopped, "");
    }
}
