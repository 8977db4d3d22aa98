using System.Globalization;
using System.Text;
using Flannel.Core.Routes;
using Flannel.RouteController;
using Flannel.RouteController.Execution;
using Flannel.RouteController.Observation;

namespace Flanneld.Observability;

/// <summary>The metrics of the route controller; none while this process is not the route controller. Safe to call from any
/// thread.</summary>
internal sealed class ControllerMetrics
{
    private volatile ClusterReconciler? controller;

    /// <summary>Whether this process writes routes now. The election's key may still name its predecessor.</summary>
    public bool IsController => controller is not null;

    public void Begin(ClusterReconciler started) => controller = started;

    public void End() => controller = null;

    public string Compose() => controller is { } running ? Compose(running.Snapshot) : "";

    internal static string Compose(ControllerSnapshot report)
    {
        var text = new StringBuilder();
        AppendRoutes(text, report);
        if (report.Tables.Count > 0) AppendTables(text, report.Tables);
        if (report.LastReconcile is { } last)
        {
            PrometheusText.Gauge(
                text, "flannel_last_successful_reconcile_timestamp_seconds",
                "When the observed routes last were the desired ones, Unix time.", PrometheusText.Seconds(last));
        }

        AppendWrites(text, report.Writes);
        return text.ToString();
    }

    private static void AppendRoutes(StringBuilder text, ControllerSnapshot report)
    {
        var counts = report.CountByState;
        PrometheusText.Heading(text, "flannel_routes", "Nodes by the state of their route.", "gauge");
        foreach (var state in Enum.GetValues<RouteState>())
            text.Append(CultureInfo.InvariantCulture, $"flannel_routes{{state=\"{state}\"}} {counts.GetValueOrDefault(state)}\n");
        if (report.Ipv6Nodes.Count > 0) AppendIpv6Routes(text, report.Ipv6CountByState);
        PrometheusText.Gauge(
            text, "flannel_foreign_routes", "Entries inside the network that do not belong to this cluster.", report.Conflicts.Count);
        PrometheusText.Gauge(text, "flannel_other_cluster_routes", "Routes of other clusters inside the network.", report.OtherClusters);
        PrometheusText.Gauge(
            text, "flannel_route_deletions_held", "Stale routes whose deletion is delayed because many became stale at once.",
            report.HeldDeletions);
    }

    private static void AppendIpv6Routes(StringBuilder text, IReadOnlyDictionary<RouteState, int> counts)
    {
        PrometheusText.Heading(text, "flannel_ipv6_routes", "Nodes by the state of the route of their IPv6 subnet.", "gauge");
        foreach (var state in Enum.GetValues<RouteState>())
            text.Append(CultureInfo.InvariantCulture, $"flannel_ipv6_routes{{state=\"{state}\"}} {counts.GetValueOrDefault(state)}\n");
    }

    private static void AppendTables(StringBuilder text, IReadOnlyList<TableUsage> tables)
    {
        PrometheusText.Heading(
            text, "flannel_route_table_entries", "Custom entries of a route table, which count against its quota.", "gauge");
        foreach (var table in tables)
            text.Append(CultureInfo.InvariantCulture, $"flannel_route_table_entries{Labels(table)} {table.CustomEntries}\n");
        PrometheusText.Heading(
            text, "flannel_route_table_entries_limit", "Quota of custom entries of a route table, as far as it is known.", "gauge");
        foreach (var table in tables)
            text.Append(CultureInfo.InvariantCulture, $"flannel_route_table_entries_limit{Labels(table)} {table.Limit}\n");
    }

    private static void AppendWrites(StringBuilder text, WriteCounts writes)
    {
        PrometheusText.Heading(text, "flannel_route_writes_total", "Routes written in this term, by kind.", "counter");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"created\"}} {writes.Created}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"repointed\"}} {writes.Updated}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_writes_total{{kind=\"deleted\"}} {writes.Deleted}\n");
        PrometheusText.Heading(text, "flannel_route_write_calls_total", "Writing calls to the VPC API in this term.", "counter");
        var succeeded = writes.Calls - writes.FailedCalls;
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_write_calls_total{{result=\"ok\"}} {succeeded}\n");
        text.Append(CultureInfo.InvariantCulture, $"flannel_route_write_calls_total{{result=\"failed\"}} {writes.FailedCalls}\n");
    }

    private static string Labels(TableUsage table) => $"{{table=\"{table.RouteTableId}\",vpc=\"{table.VpcId}\"}}";
}
