using Flannel.AliCloud.Http;
using Flannel.RouteController.Tests.Support;

using Fault = Flannel.RouteController.Tests.Support.InMemoryCloudApi.Fault;

namespace Flannel.RouteController.Tests;

/// <summary>Entries of flannel v0.19.2 that cannot be marked: the routes work without the mark.</summary>
public sealed class FirstMarkTests
{
    private const int Nodes = 20;

    [Theory]
    [InlineData(CloudErrorKind.Reread, "<timeout>", 10)]
    [InlineData(CloudErrorKind.Retry, "<connect>", 0)]
    [InlineData(CloudErrorKind.Retry, "Throttling.User", 0)]
    [InlineData(CloudErrorKind.Retry, "TaskConflict", 0)]
    public void A_mark_that_gets_no_response_is_retried_with_back_off_and_ends_no_term(CloudErrorKind kind, string code, int seconds) =>
        Cluster.Run(async cluster =>
        {
            FailMarks(cluster, new Fault(kind, code, Delay: TimeSpan.FromSeconds(seconds)));
            await StartAsync(cluster);
            await cluster.Time.Pass(TimeSpan.FromHours(10));
            Assert.False(cluster.Running.IsCompleted, $"the term ended: {cluster.Running}");
            Assert.InRange(cluster.Cloud.Count("ModifyRouteEntry"), 10, 40);
            Assert.Equal(Nodes, cluster.Term.Statuses.Published.Count);
            cluster.Join("10.24.99.0/24", "i-99");
            await cluster.UntilAvailable("10.24.99.0/24");
            cluster.Cloud.Faults = _ => null;
            await cluster.Time.Until(
                () => cluster.Cloud.Tables["vtb-1"].Entries.All(entry => entry.Name == Cluster.Mark.Token), TimeSpan.FromHours(2));
        });

    [Theory]
    [InlineData(CloudErrorKind.Fatal, "InvalidParameter")]
    [InlineData(CloudErrorKind.Unknown, "Unexpected")]
    public void A_mark_that_the_API_rejects_is_tried_once_an_hour(CloudErrorKind kind, string code) => Cluster.Run(async cluster =>
    {
        FailMarks(cluster, new Fault(kind, code));
        await StartAsync(cluster);
        await cluster.Time.Pass(TimeSpan.FromHours(3));
        Assert.InRange(cluster.Cloud.Count("ModifyRouteEntry"), 2 * Nodes, 4 * Nodes);
        Assert.Equal(Nodes, cluster.Log.Count(3503));
    });

    [Fact]
    public void Marks_are_not_logged_as_available_routes() => Cluster.Run(async cluster =>
    {
        await StartAsync(cluster);
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.All(entry => entry.Name == Cluster.Mark.Token));
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(Nodes, cluster.Log.Count(3507));
        Assert.Equal(0, cluster.Log.Count(3542));
    });

    private static void FailMarks(Cluster cluster, Fault fault) =>
        cluster.Cloud.Faults = call => call.Action == "ModifyRouteEntry" ? fault : null;

    private static async Task StartAsync(Cluster cluster)
    {
        var subnets = Enumerable.Range(1, Nodes).Select(i => $"10.24.{i}.0/24").ToArray();
        foreach (var subnet in subnets)
        {
            var instance = $"i-{subnet.Split('.')[2]}";
            cluster.Cloud.AddEntry("vtb-1", subnet, instance);
            cluster.Join(subnet, instance);
        }

        cluster.Start();
        await cluster.UntilAvailable(subnets);
    }
}
