using Flannel.Core;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Vxlan;

/// <summary>Logs what the passes did: a change once, a repair as a warning, a lasting error once.</summary>
internal sealed class VxlanReport(VxlanDevice device, ILogger logger)
{
    private readonly HashSet<string> rejected = [];
    private string? lastError;
    private long? seen;
    private bool wasSettling;
    private int peers;
    private int otherBackends;
    private int absent;

    /// <summary>Counts the restorations of the device and its entries.</summary>
    public Counter Repairs { get; init; } = new();

    /// <param name="generation">Of the <see cref="ClusterSnapshot"/> that the pass applied.</param>
    public void Add(Result<VxlanPass> result, long generation)
    {
        var error = result.Ok ? result.Value.EntriesError : result.Error;
        if (result.Ok)
        {
            LogChanges(result.Value, generation);
            LogLeases(result.Value);
        }

        if (error is not null && error != lastError) LogFailure(error);
        if (error is null && lastError is not null) VxlanLog.Recovered(logger, device.Name);
        lastError = error;
    }

    /// <summary>The node is ready without the tunnel of IPv6.</summary>
    private void LogFailure(string error)
    {
        if (device.IsV6) VxlanLog.Ipv6Failed(logger, error);
        else VxlanLog.Failed(logger, error);
    }

    private void LogChanges(VxlanPass pass, long generation)
    {
        var isRepair = seen == generation && lastError is null && !wasSettling;
        (seen, wasSettling) = (generation, pass.IsSettling);
        if (pass.Device.IsCreated)
        {
            if (isRepair && pass.Device.Reason.Length == 0) LogRepair("the device and all entries");
            else VxlanLog.LogCreated(logger, device, pass.Device.Reason);
        }
        else if (isRepair && pass.Device.Ip.Count > 0)
        {
            LogRepair($"the device ({string.Join("; ", pass.Device.Ip)})");
        }
        else if (isRepair && !pass.Entries.IsEmpty)
        {
            LogRepair(Plural.Of(pass.Entries.Count, "entry", "entries"));
        }
    }

    private void LogRepair(string what)
    {
        Repairs.Increment();
        VxlanLog.Restored(logger, what, device.Name);
    }

    private void LogLeases(VxlanPass pass)
    {
        foreach (var line in pass.Rejected.Where(rejected.Add)) VxlanLog.LeaseRejected(logger, line);
        if (pass.Peers != peers) VxlanLog.Peers(logger, device.Name, Plural.Of(pass.Peers, "other node"));
        if (pass.OtherBackends != otherBackends) VxlanLog.OtherBackends(logger, Plural.Of(pass.OtherBackends, "node"), device.Name);
        if (pass.Absent > absent) VxlanLog.PeersWithoutLease(logger, Plural.Of(pass.Absent, "node"), device.Name);
        (peers, otherBackends, absent) = (pass.Peers, pass.OtherBackends, pass.Absent);
    }
}
