using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The metrics of the executable, read by promtool and by a Prometheus.</summary>
public sealed class MetricsTests(MetricsCluster cluster) : IClassFixture<MetricsCluster>
{
    private const string Throttled = "flannel_cloud_requests_throttled_total{service=\"vpc\",action=\"DescribeRouteEntryList\"}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Promtool_has_no_complaint_about_the_metrics_of_a_node_and_of_the_route_controller()
    {
        await cluster.StartAsync(Cancel);
        var controller = await cluster.ControllerAsync(Cancel);
        foreach (var instance in cluster.Vpc.Instances)
        {
            var metrics = await cluster.MetricsAsync(instance, Cancel);
            var result = await PrometheusServer.RunToolAsync(["check", "metrics"], metrics, Cancel);
            Assert.Equal((0, "", ""), (result.ExitCode, result.Output, result.Error));
            Assert.Equal(instance == controller, metrics.Contains("\nflannel_routes{", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task A_throttled_call_is_counted()
    {
        await cluster.StartAsync(Cancel);
        var controller = await cluster.ControllerAsync(Cancel);
        var before = await cluster.SumAsync(controller, Throttled, Cancel);
        var fault = new { service = "vpc", action = "DescribeRouteEntryList", kind = "code", code = "Throttling.User", times = 1 };
        await cluster.Vpc.Control.AddFaultAsync(fault, Cancel);
        await MovesAsync(controller, Throttled, before);
        Assert.True(await cluster.SumAsync(
            controller,
            "flannel_cloud_requests_total{service=\"vpc\",action=\"DescribeRouteEntryList\",code=\"Throttling.User\"}", Cancel) >= 1);
    }

    [Fact]
    public async Task A_lost_route_is_counted_as_a_repair()
    {
        await cluster.StartAsync(Cancel);
        var controller = await cluster.ControllerAsync(Cancel);
        var before = await cluster.SumAsync(controller, "flannel_route_repairs_total", Cancel);
        var created = await cluster.SumAsync(controller, "flannel_route_writes_total{kind=\"created\"}", Cancel);
        var routes = await cluster.Vpc.Control.CustomRoutesAsync(Cancel);
        await cluster.Vpc.Control.DeleteRouteAsync(routes[0].RouteEntryId, Cancel);
        await MovesAsync(controller, "flannel_route_repairs_total", before);
        Assert.Equal(created + 1, await cluster.SumAsync(controller, "flannel_route_writes_total{kind=\"created\"}", Cancel));
    }

    [Fact]
    public async Task A_changed_subnet_file_is_counted_as_a_repair()
    {
        await cluster.StartAsync(Cancel);
        var instance = cluster.Vpc.Instances[0];
        const string repairs = "flannel_host_repairs_total{part=\"subnet-file\"}";
        var before = await cluster.SumAsync(instance, repairs, Cancel);
        File.Delete(instance.SubnetFile);
        await MovesAsync(instance, repairs, before);
        Assert.True(File.Exists(instance.SubnetFile));
    }

    [Fact]
    public async Task After_a_restart_of_etcd_watch_restarts_and_failed_requests_are_counted()
    {
        await cluster.StartAsync(Cancel);
        var instance = cluster.Vpc.Instances[1];
        var before = await cluster.SumAsync(instance, "flannel_etcd_watch_restarts_total", Cancel);
        await cluster.Vpc.Etcd.KillAsync(Cancel);
        await MovesAsync(instance, "flannel_etcd_watch_restarts_total", before);
        await Eventually.IsAsync("requests fail", async () =>
            (await cluster.MetricsAsync(instance, Cancel)).Contains("code=\"Unavailable\"", StringComparison.Ordinal), Cancel);
        var succeeded = await cluster.SumAsync(instance, "flannel_etcd_requests_total{operation=\"watch\",code=\"OK\"}", Cancel);
        await cluster.Vpc.Etcd.StartAgainAsync(Cancel);
        await MovesAsync(instance, "flannel_etcd_requests_total{operation=\"watch\",code=\"OK\"}", succeeded);
    }

    [Fact]
    public async Task Every_query_of_the_dashboard_has_a_result_in_a_running_cluster()
    {
        await cluster.StartAsync(Cancel);
        await cluster.ControllerAsync(Cancel);
        // Without a tunnel, an error or the Kubernetes API there are no such series. Prometheus must accept the queries.
        string[] absent = ["flannel_route_fallback", "flannel_tunnel_peers", "code!=\"OK\"", "flannel_kubernetes_"];
        var queries = GrafanaDashboard.ReadPanels().SelectMany(panel => panel.Queries).ToList();
        Assert.NotEmpty(queries);
        foreach (var query in queries)
        {
            var mayBeEmpty = absent.Any(text => query.Expression.Contains(text, StringComparison.Ordinal));
            await Eventually.IsAsync(
                $"{query.Expression} has a result",
                async () => (await cluster.Prometheus.QueryAsync(query.Resolve("20s"), Cancel)).Count > 0 || mayBeEmpty, Cancel);
        }
    }

    [Fact]
    public async Task Prometheus_evaluates_every_alert_rule()
    {
        await cluster.StartAsync(Cancel);
        await Eventually.IsAsync(
            "all rules are evaluated",
            async () => (await cluster.Prometheus.RulesAsync(Cancel)).All(rule => rule["health"]!.GetValue<string>() == "ok"), Cancel);
        Assert.NotEmpty(await cluster.Prometheus.RulesAsync(Cancel));
    }

    private Task MovesAsync(EcsInstance instance, string begin, double before) => Eventually.IsAsync(
        $"{begin} of {instance.InstanceId} grows from {before}",
        async () => await cluster.SumAsync(instance, begin, Cancel) > before, Cancel);
}
