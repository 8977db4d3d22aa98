using System.Globalization;
using System.Text;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Planning;

namespace Flanneld.Observability;

/// <summary>What <c>/metrics</c> says of the route controller; nothing while this node is none.</summary>
internal sealed class ControllerMetrics
{
    private volatile ClusterReconciler? controller;

    /// <summary>Whether this process writes routes now; the name in etcd may still be of its predecessor.</summary>
    public bool IsController => controller is not null;

    public void Begin(ClusterReconciler started) => controller = started;

    public void End() => controller = null;

    public string Compose() => controller is { } running ? Compose(running.Report) : "";

    internal static string Compose(RouteReport report)
    {
        var text = new StringBuilder();
        var counts = report.CountByState;
        text.Append("# HELP flannel_routes Nodes by the state of their route.\n# TYPE flannel_routes gauge\n");
        foreach (var state in Enum.GetValues<RouteState>())
            text.Append(CultureInfo.InvariantCulture, $"flannel_routes{{state=\"{state}\"}} {counts.GetValueOrDefault(state)}\n");
        NodeHealth.Gauge(text, "flannel_foreign_routes", "Entries inside the network that are not ours and are left alone.", report.Foreign.Count);
        NodeHealth.Gauge(text, "flannel_other_cluster_routes", "Entries of other clusters inside the network.", report.OtherClusters);
        NodeHealth.Gauge(
            text, "flannel_route_deletions_held", "Stale routes that are kept for now because many became stale at once.", report.HeldDeletions);
        if (report.Tables.Count > 0)
        {
            text.Append("# HELP flannel_route_table_entries Custom entries of a route table: what counts against its quota.\n");
            text.Append("# TYPE flannel_route_table_entries gauge\n");
            foreach (var table in report.Tables)
                text.Append(CultureInfo.InvariantCulture, $"flannel_route_table_entries{{table=\"{table.RouteTableId}\",vpc=\"{table.VpcId}\"}} {table.CustomEntries}\n");
            text.Append("# HELP flannel_route_table_entries_limit Custom entries that a route table may hold, as far as is known.\n");
            text.Append("# TYPE flannel_route_table_entries_limit gauge\n");
            foreach (var table in report.Tables)
                text.Append(CultureInfo.InvariantCulture, $"flannel_route_table_entries_limit{{table=\"{table.RouteTableId}\",vpc=\"{table.VpcId}\"}} {table.Limit}\n");
        }

        if (report.LastReconcile is { } last)
            NodeHealth.Gauge(text, "flannel_last_successful_reconcile_timestamp_seconds", "When the tables were last as wanted.", last.ToUnixTimeMilliseconds() / 1000.0);
        var writes = report.Writes;
        text.Append("# HELP flannel_route_writes_total Routes written in this term, by kind.\n# TYPE flannel_route_writes_total counter\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"created\"}} {writes.Created}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"repointed\"}} {writes.RePointed}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"deleted\"}} {writes.Deleted}\n");
        text.Append("# HELP flannel_route_write_calls_total Calls to the VPC API that wrote, in this term.\n# TYPE flannel_route_write_calls_total counter\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_write_calls_total{{result=\"ok\"}} {writes.Calls - writes.FailedCalls}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_write_calls_total{{result=\"failed\"}} {writes.FailedCalls}\n");
        return text.ToString();
    }
}
