using Flannel.AliCloud.Http;
using Flannel.Etcd.Client;
using Flanneld.Observability;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Observability;

/// <summary>The metrics of the clients of etcd and of the cloud, of the log and of the process.</summary>
public sealed class ClientMetricsTests
{
    [Fact]
    public void Requests_to_etcd_are_counted_by_operation_and_status()
    {
        var metrics = new EtcdMetrics();
        foreach (var operation in Enum.GetValues<EtcdOperation>()) metrics.RequestEnded(operation, "OK", TimeSpan.FromMilliseconds(3));
        metrics.RequestEnded(EtcdOperation.Txn, "Unavailable", TimeSpan.FromSeconds(1));
        metrics.WatchInterrupted();
        var lines = Lines(metrics.AppendTo);
        Assert.Contains("flannel_etcd_requests_total{operation=\"txn\",code=\"OK\"} 1", lines);
        Assert.Contains("flannel_etcd_requests_total{operation=\"txn\",code=\"Unavailable\"} 1", lines);
        Assert.Contains("flannel_etcd_request_duration_seconds_count{operation=\"txn\"} 2", lines);
        Assert.Contains("flannel_etcd_watch_restarts_total 1", lines);
        Assert.DoesNotContain(lines, line => line.Contains(MetricFamily.OtherValue, StringComparison.Ordinal));
    }

    [Fact]
    public void Requests_to_the_Kubernetes_API_are_counted_by_verb_resource_and_status()
    {
        var metrics = new KubeMetrics();
        metrics.RequestEnded("patch", "nodes/status", 200, TimeSpan.FromMilliseconds(3));
        metrics.RequestEnded("patch", "nodes/status", 0, TimeSpan.FromSeconds(10));
        metrics.RequestEnded("get", "leases", 418, TimeSpan.FromSeconds(1));
        metrics.WatchInterrupted();
        var lines = Lines(metrics.AppendTo);
        Assert.Contains("flannel_kubernetes_requests_total{verb=\"patch\",resource=\"nodes/status\",code=\"200\"} 1", lines);
        Assert.Contains("flannel_kubernetes_requests_total{verb=\"patch\",resource=\"nodes/status\",code=\"unavailable\"} 1", lines);
        Assert.Contains("flannel_kubernetes_requests_total{verb=\"get\",resource=\"leases\",code=\"other\"} 1", lines);
        Assert.Contains("flannel_kubernetes_request_duration_seconds_count{verb=\"patch\",resource=\"nodes/status\"} 2", lines);
        Assert.Contains("flannel_kubernetes_watch_restarts_total 1", lines);
    }

    [Theory]
    [InlineData("Throttling.User", "Throttling.User", 1)]
    [InlineData("Throttling.NewKind", "Throttling.*", 1)]
    [InlineData("throttling", "Throttling", 1)]
    [InlineData("QuotaExceeded.Anything", null, 0)]
    [InlineData("Whatever.The\nServiceInvents", "other", 0)]
    [InlineData("<connect>", "connect", 0)]
    [InlineData("<timeout>", "timeout", 0)]
    [InlineData("HTTP429", "HTTP429", 1)]
    public void A_code_of_the_API_is_a_label_only_if_the_table_of_codes_contains_it(string code, string? label, int throttled)
    {
        var metrics = new CloudMetrics();
        var error = new CloudError(CloudErrorKind.Retry, code, "", "", 400, null, null);
        metrics.RequestEnded("vpc", "CreateRouteEntries", error, TimeSpan.FromSeconds(1));
        var lines = Lines(metrics.AppendTo);
        if (label is not null)
            Assert.Contains($"flannel_cloud_requests_total{{service=\"vpc\",action=\"CreateRouteEntries\",code=\"{label}\"}} 1", lines);
        Assert.Contains(
            $"flannel_cloud_requests_throttled_total{{service=\"vpc\",action=\"CreateRouteEntries\"}} {throttled}", lines);
    }

    [Fact]
    public void A_failed_fetch_of_credentials_keeps_the_expiry_of_the_key_in_use()
    {
        var metrics = new CloudMetrics();
        Assert.DoesNotContain(Lines(metrics.AppendTo), line => line.Contains("expiry", StringComparison.Ordinal));
        metrics.CredentialsFetched(CredentialFetch.Succeeded, DateTimeOffset.FromUnixTimeSeconds(1000));
        metrics.CredentialsFetched(CredentialFetch.Failed, null);
        metrics.ClockMeasured(TimeSpan.FromSeconds(-61));
        metrics.MetadataRequestEnded(0);
        metrics.MetadataRequestEnded(418);
        var lines = Lines(metrics.AppendTo);
        Assert.Contains("flannel_credential_expiry_timestamp_seconds 1000", lines);
        Assert.Contains("flannel_credential_refreshes_total{result=\"failure\"} 1", lines);
        Assert.Contains("flannel_cloud_clock_offset_seconds -61", lines);
        Assert.Contains("flannel_metadata_requests_total{code=\"unavailable\"} 1", lines);
        Assert.Contains("flannel_metadata_requests_total{code=\"other\"} 1", lines);
        metrics.CredentialsFetched(CredentialFetch.Succeeded, null);
        Assert.DoesNotContain(Lines(metrics.AppendTo), line => line.Contains("expiry_timestamp", StringComparison.Ordinal));
    }

    [Fact]
    public void Messages_of_the_log_are_counted_by_level()
    {
        var counter = new LogMessageCounter();
        counter.Add(LogLevel.Warning);
        counter.Add(LogLevel.Warning);
        var lines = Lines(counter.AppendTo);
        Assert.Contains("flannel_log_messages_total{level=\"debug\"} 0", lines);
        Assert.Contains("flannel_log_messages_total{level=\"warning\"} 2", lines);
        // The names of the log: one query selects both.
        foreach (var level in new[] { "trace", "debug", "info", "warning", "error", "critical" })
            Assert.Single(lines, line => line.StartsWith($"flannel_log_messages_total{{level=\"{level}\"}} ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_process_reports_what_the_kernel_says()
    {
        var values = Lines(new ProcessMetrics(DateTimeOffset.FromUnixTimeMilliseconds(1500)).AppendTo)
            .Where(line => line.Length > 0 && line[0] != '#' && !line.Contains('{', StringComparison.Ordinal))
            .Select(line => line.Split(' '))
            .ToDictionary(pair => pair[0], pair => double.Parse(pair[1], System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(1.5, values["process_start_time_seconds"]);
        Assert.InRange(values["process_cpu_seconds_total"], 0.01, 1e6);
        Assert.InRange(values["process_resident_memory_bytes"], 10e6, 10e9);
        Assert.True(values["process_virtual_memory_bytes"] >= values["process_resident_memory_bytes"]);
        Assert.InRange(values["process_open_fds"], 3, 1e6);
        Assert.InRange(values["process_threads"], 2, 1e4);
        Assert.InRange(values["process_max_fds"], values["process_open_fds"], 1e10);
        Assert.InRange(values["dotnet_total_memory_bytes"], 1e5, 10e9);
    }

    private static string[] Lines(Action<MetricText> append)
    {
        var text = new MetricText();
        append(text);
        return text.ToString().Split('\n');
    }
}
