using Flannel.Core.Routes;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Tests.Observation;

/// <summary>The limit of a route table, and the warning before it is reached.</summary>
public class RouteQuotaTests
{
    private const int FillsUp = 3533;
    private const int LimitKnown = 3534;
    private const int LimitAssumed = 3535;

    [Fact]
    public void A_table_that_fills_up_causes_one_warning_and_another_after_it_had_room() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 10;
        cluster.Start();
        await JoinAsync(cluster, 1, 7);
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal((1, 0), (cluster.Log.Count(LimitKnown), cluster.Log.Count(FillsUp)));
        await JoinAsync(cluster, 8, 8);
        await cluster.Time.Until(() => cluster.Log.Count(FillsUp) == 1);
        var warning = cluster.Log.Lines.Single(line => line.Id == FillsUp);
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.Contains("8 of 10", warning.Text, StringComparison.Ordinal);
        Assert.Contains("vpc_quota_route_entrys_num", warning.Text, StringComparison.Ordinal);
        Assert.Contains("vxlan", warning.Text, StringComparison.Ordinal);
        Assert.Equal((8, 10), (Table(cluster).CustomEntries, Table(cluster).Limit));

        await JoinAsync(cluster, 9, 9);
        await cluster.Time.Pass(TimeSpan.FromMinutes(3));
        Assert.Equal(1, cluster.Log.Count(FillsUp));

        foreach (var entry in cluster.Cloud.Tables["vtb-1"].Entries.Take(3).ToList())
        {
            cluster.Leases.Remove(entry.Destination);
        }

        await cluster.Time.Until(() => Table(cluster).CustomEntries == 6);
        await JoinAsync(cluster, 11, 13);
        await cluster.Time.Until(() => cluster.Log.Count(FillsUp) == 2);
    });

    [Fact]
    public void Unmanaged_entries_count_too() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 10;
        for (var i = 1; i <= 8; i++) cluster.Cloud.AddEntry("vtb-1", $"172.16.{i}.0/24", "i-vpn");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Until(() => cluster.Log.Count(FillsUp) == 1);
    });

    [Fact]
    public void A_raised_quota_is_known_within_half_a_day_after_one_more_call() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        await JoinAsync(cluster, 1, 1);
        await cluster.Time.Until(() => cluster.Log.Count(LimitKnown) == 1);
        cluster.Cloud.Quota = 400;
        await cluster.Time.Pass(TimeSpan.FromHours(11));
        Assert.Equal(1, cluster.Cloud.Count("GetProductQuota"));
        await cluster.Time.Pass(TimeSpan.FromHours(2));
        Assert.Equal(2, cluster.Cloud.Count("GetProductQuota"));
        await cluster.Time.Until(() => Table(cluster).Limit == 400);
    });

    [Fact]
    public void A_raised_quota_of_a_full_table_is_used_within_minutes() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 2;
        cluster.Start();
        for (var i = 1; i <= 4; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.Time.Until(() => cluster.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.QuotaExceeded) == 2);
        Assert.Equal(2, Table(cluster).Limit);
        cluster.Cloud.Quota = 400;
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24", "10.24.4.0/24");
        await cluster.Time.Until(() => Table(cluster).Limit == 400);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_default_limit_is_assumed_until_the_cloud_reports_another_one(bool denied) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 3;
        if (denied) cluster.Cloud.DeniedActions.Add("quotas:GetProductQuota");
        else cluster.Cloud.Faults = call => call.Action == "GetProductQuota" ? InMemoryCloudApi.Fault.NoConnection : null;
        cluster.Start();
        await JoinAsync(cluster, 1, 3);
        await cluster.Time.Until(() => cluster.Log.Count(LimitAssumed) == 1);
        Assert.Equal(200, Table(cluster).Limit);
        Assert.All(cluster.Log.Lines, line => Assert.True(line.Level < LogLevel.Warning, line.Text));
        var assumed = cluster.Log.Lines.Single(line => line.Id == LimitAssumed).Text;
        if (denied) Assert.Contains("quotas:GetProductQuota", assumed, StringComparison.Ordinal);
        cluster.Join("10.24.4.0/24", "i-4");
        await cluster.UntilState("10.24.4.0/24", RouteState.QuotaExceeded);
        await cluster.Time.Until(() => Table(cluster).Limit == 3);
        await cluster.Time.Pass(TimeSpan.FromDays(1));
        Assert.Equal((1, 1), (cluster.Log.Count(LimitAssumed), cluster.Log.Count(FillsUp)));
    });

    [Fact]
    public void A_quota_call_without_a_response_delays_no_route() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call =>
            call.Action == "GetProductQuota" ? InMemoryCloudApi.Fault.TimeoutAfterSuccess with { Delay = TimeSpan.FromHours(1) } : null;
        cluster.Start();
        await JoinAsync(cluster, 1, 1);
        await cluster.Time.Until(() => cluster.Cloud.Count("GetProductQuota") == 1);
        var before = cluster.Time.Elapsed;
        await JoinAsync(cluster, 2, 2);
        Assert.InRange(cluster.Time.Elapsed - before, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    });

    private static TableUsage Table(Cluster cluster) => cluster.Controller.Snapshot.Tables.Single();

    private static async Task JoinAsync(Cluster cluster, int first, int last)
    {
        var nodes = Enumerable.Range(first, last - first + 1).ToList();
        foreach (var i in nodes) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.UntilAvailable([.. nodes.Select(i => $"10.24.{i}.0/24")]);
    }
}
