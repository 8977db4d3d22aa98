using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;

namespace Flannel.Kubernetes.Tests.Controller;

/// <summary>Events about Nodes, for <c>kubectl describe node</c>.</summary>
public sealed class RouteEventsTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_route_that_cannot_be_created_is_a_warning_and_its_creation_is_an_event() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        await fixture.PublishAsync(lease, RouteState.Pending);
        await fixture.PublishAsync(lease, RouteState.Conflict, "entry rte-1 belongs to another cluster");
        await fixture.PublishAsync(lease, RouteState.Available);
        await fixture.PublishAsync(lease, RouteState.Available, "another text");
        await fixture.PublishAsync(lease, RouteState.Unreachable);
        var node = fixture.Server.GetNode("a");
        Assert.Equal(
            [
                ("CreateRouteFailed", true, "Route to 10.24.5.0/24 not created: Conflict in vtb-1: entry rte-1 belongs to another cluster"),
                ("CreatedRoute", false, "Created route to 10.24.5.0/24 in vtb-1"),
            ],
            fixture.Server.Events.OrderBy(each => !each.IsWarning).Select(each => (each.Reason, each.IsWarning, each.Message)));
        Assert.All(fixture.Server.Events, each => Assert.Equal((node.Name, node.Uid, 1), (each.NodeName, each.NodeUid, each.Count)));
    });

    [Fact]
    public void A_repeated_event_counts_up_and_the_same_within_a_minute_costs_no_request() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        for (var i = 0; i < 4; i++)
        {
            await fixture.PublishAsync(lease, RouteState.QuotaExceeded, "table full");
            await fixture.PublishAsync(lease, RouteState.Pending);
        }

        Assert.Equal(1, Assert.Single(fixture.Server.Events).Count);
        await fixture.VirtualTime.AdvanceAsync(2 * Minute);
        await fixture.PublishAsync(lease, RouteState.QuotaExceeded, "table full");
        var repeated = Assert.Single(fixture.Server.Events);
        Assert.Equal((2, fixture.VirtualTime.Time.GetUtcNow()), (repeated.Count, repeated.LastTime));
        await fixture.PublishAsync(lease, RouteState.Denied, "missing permission vpc:CreateRouteEntries");
        Assert.Equal(3, Assert.Single(fixture.Server.Events).Count);
    });

    [Fact]
    public void An_event_that_the_API_server_deleted_is_created_again() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        await fixture.PublishAsync(lease, RouteState.Conflict, "one");
        fixture.Server.DeleteEvent(fixture.Server.Events[0].Name);
        await fixture.PublishAsync(lease, RouteState.Conflict, "two");
        Assert.Equal(("two", 1), (Assert.Single(fixture.Server.Events).Message[^3..], fixture.Server.Events[0].Count));
    });

    [Fact]
    public void A_thousand_nodes_send_fifty_events_at_once() => TermFixture.Run(async fixture =>
    {
        var leases = Enumerable.Range(0, 1000).Select(i => fixture.AddNode($"a{i}", $"10.{i / 250}.{i % 250}.0/24")).ToList();
        await fixture.Term.Statuses.PublishAsync(
            [.. leases.Select(lease => new RouteStatusUpdate(lease, TermFixture.StatusOf(lease, RouteState.Available)))], Cancel);
        Assert.Equal(50, fixture.Server.Events.Count);
        Assert.Equal(1000, fixture.Server.Nodes.Count(node => node.NetworkUnavailable is { IsTrue: false }));
    });

    [Theory]
    [InlineData("create")]
    [InlineData("patch")]
    public void A_missing_permission_is_logged_once_and_the_statuses_are_written(string verb) => TermFixture.Run(async fixture =>
    {
        fixture.Elected.Api.Account.Deny(new AccessReview(verb, "", "events"));
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        for (var i = 0; i < 5; i++)
        {
            Assert.Empty((await fixture.PublishAsync(lease, RouteState.Conflict, $"cause {i}")).Rejected);
            await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromSeconds(10));
        }

        Assert.Equal("cause 4", fixture.PublishedOn("a")!.Message);
        var line = Assert.Single(fixture.Logger.Lines, line => line.Id == 6200);
        Assert.Contains($"{verb} events", line.Text, StringComparison.Ordinal);
        Assert.InRange(fixture.Elected.Api.Requests.Count(request => request.Access.Resource == "events"), 1, 2);
        Assert.True(fixture.Elected.IsElected);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failed_event_fails_no_status(bool hangs) => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        fixture.Elected.Api.FailNext(
            new ModelFault(KubeErrorKind.TimedOut) { After = hangs ? TimeSpan.FromHours(1) : TimeSpan.Zero },
            request => request.Access.Resource == "events");
        var publishing = fixture.PublishAsync(lease, RouteState.Conflict);
        await fixture.VirtualTime.UntilAsync("published", () => publishing.IsCompleted, TimeSpan.FromSeconds(4));
        Assert.Empty((await publishing).Rejected);
    });
}
