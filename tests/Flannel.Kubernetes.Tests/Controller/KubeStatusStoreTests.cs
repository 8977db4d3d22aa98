using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;

namespace Flannel.Kubernetes.Tests.Controller;

/// <summary>The status of a node's route: an annotation and the condition <c>NetworkUnavailable</c>.</summary>
public sealed class KubeStatusStoreTests
{
    private static readonly DateTimeOffset Before = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(RouteState.Available, false, "RouteCreated", "Route to 10.24.5.0/24 is available")]
    [InlineData(RouteState.Pending, true, "NoRouteCreated", "Route to 10.24.5.0/24 is not available: Pending: table vtb-1")]
    [InlineData(RouteState.QuotaExceeded, true, "NoRouteCreated", "Route to 10.24.5.0/24 is not available: QuotaExceeded: table vtb-1")]
    [InlineData(RouteState.Rejected, true, "NoRouteCreated", "Route to 10.24.5.0/24 is not available: Rejected: table vtb-1")]
    [InlineData(RouteState.Unreachable, true, "NoRouteCreated", "Route to 10.24.5.0/24 is not available: Unreachable: table vtb-1")]
    public void A_status_is_written_as_annotation_and_condition_by_one_patch(
        RouteState state, bool isUnavailable, string reason, string message) => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        var result = await fixture.PublishAsync(lease, state, "table vtb-1");
        Assert.True(result.IsTermHeld);
        Assert.Empty(result.Rejected);
        Assert.Equal(state, fixture.PublishedOn("a")!.State);
        var condition = fixture.Server.GetNode("a").NetworkUnavailable!;
        Assert.Equal((isUnavailable, reason, message), (condition.IsTrue, condition.Reason, condition.Message));
        Assert.Single(fixture.Elected.Api.Requests, request => request.ToString() == "patch nodes/status a");
        Assert.Equal(lease, fixture.LeaseOf(fixture.Server.GetNode("a")));
    });

    [Fact]
    public void FlannelIsUp_stays_while_the_route_is_available() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        var up = new NodeCondition(false, "FlannelIsUp", "Flannel is running on this node", Before);
        fixture.Server.ChangeNode("a", node => node with { NetworkUnavailable = up });
        await fixture.PublishAsync(lease, RouteState.Available);
        Assert.Equal(up, fixture.Server.GetNode("a").NetworkUnavailable);
        await fixture.PublishAsync(lease, RouteState.Conflict);
        Assert.True(fixture.Server.GetNode("a").NetworkUnavailable!.IsTrue);
    });

    [Theory]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Conflict)]
    [InlineData(RouteState.Denied)]
    [InlineData(RouteState.Pending)]
    public void A_node_that_is_reached_through_the_tunnel_keeps_the_condition_that_it_wrote(RouteState state) =>
        TermFixture.Run(async fixture =>
        {
            var lease = fixture.AddNodeWithTunnel("a", "10.24.5.0/24");
            await fixture.PublishAsync(lease, state);
            Assert.True(fixture.Server.GetNode("a").NetworkUnavailable!.IsTrue);
            var up = new NodeCondition(false, "FlannelIsUp", "Flannel is running on this node", Before);
            fixture.Server.ChangeNode("a", node => node with { NetworkUnavailable = up });

            Assert.Equal(["10.24.5.0-24"], (await fixture.Term.Statuses.ReadAllAsync(Cancel)).Keys);
            await fixture.PublishAsync(lease, state, "another message");

            Assert.Equal(up, fixture.Server.GetNode("a").NetworkUnavailable);
            Assert.Equal("another message", fixture.PublishedOn("a")!.Message);
            await fixture.PublishAsync(lease, RouteState.Released);
            Assert.True(fixture.Server.GetNode("a").NetworkUnavailable!.IsTrue);
        });

    [Fact]
    public void A_condition_that_stays_True_keeps_the_time_of_its_transition() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        await fixture.PublishAsync(lease, RouteState.Pending);
        var first = fixture.Server.GetNode("a").NetworkUnavailable!;
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromSeconds(10));
        await fixture.PublishAsync(lease, RouteState.Conflict, "entry rte-1");
        var second = fixture.Server.GetNode("a").NetworkUnavailable!;
        Assert.Equal(first.LastTransition, second.LastTransition);
        Assert.NotEqual(first.Message, second.Message);
    });

    /// <summary>The route may exist.</summary>
    [Fact]
    public void An_unreachable_cloud_changes_no_condition() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        await fixture.PublishAsync(lease, RouteState.Available);
        await fixture.PublishAsync(lease, RouteState.Unreachable);
        Assert.Equal(RouteState.Unreachable, fixture.PublishedOn("a")!.State);
        Assert.False(fixture.Server.GetNode("a").NetworkUnavailable!.IsTrue);
    });

    [Fact]
    public void The_flag_leaves_the_condition_alone() => TermFixture.Run(
        async fixture =>
        {
            var lease = fixture.AddNode("a", "10.24.5.0/24");
            await fixture.PublishAsync(lease, RouteState.Conflict);
            Assert.Equal(RouteState.Conflict, fixture.PublishedOn("a")!.State);
            Assert.Null(fixture.Server.GetNode("a").NetworkUnavailable);
            Assert.Single(await fixture.Term.Statuses.ReadAllAsync(Cancel));
        },
        context => context with { SetsNetworkUnavailable = false });

    [Fact]
    public void A_status_that_is_published_already_costs_no_patch() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        await fixture.PublishAsync(lease, RouteState.Available);
        var revision = fixture.Server.Revision;
        await fixture.PublishAsync(lease, RouteState.Available);
        Assert.Equal(revision, fixture.Server.Revision);
    });

    [Fact]
    public void A_patch_that_fails_costs_the_other_nodes_no_Event() => TermFixture.Run(async fixture =>
    {
        RouteStatusUpdate[] updates =
        [
            .. new[] { fixture.AddNode("a", "10.24.5.0/24"), fixture.AddNode("b", "10.24.6.0/24") }
                .Select(lease => new RouteStatusUpdate(lease, TermFixture.StatusOf(lease, RouteState.Conflict))),
        ];
        fixture.Elected.Api.FailNext(ModelFault.Unavailable, request => request.ToString() == "patch nodes/status b");
        await Assert.ThrowsAsync<KubeException>(() => fixture.Term.Statuses.PublishAsync(updates, Cancel));
        Assert.Equal("a", Assert.Single(fixture.Server.Events).NodeName);
        await fixture.Term.Statuses.PublishAsync(updates, Cancel);
        Assert.Equal(["a", "b"], fixture.Server.Events.Select(sent => sent.NodeName).Order());
    });

    [Fact]
    public void The_status_of_a_deleted_node_is_skipped_and_not_written_on_its_successor() => TermFixture.Run(async fixture =>
    {
        var gone = fixture.AddNode("a", "10.24.5.0/24");
        var replaced = fixture.AddNode("b", "10.24.6.0/24");
        fixture.Server.DeleteNode("a");
        fixture.Annotate(fixture.Server.RecreateNode("b", "10.24.6.0/24"));
        foreach (var lease in (Lease[])[gone, replaced])
        {
            var result = await fixture.PublishAsync(lease, RouteState.Available);
            Assert.Equal((true, 0), (result.IsTermHeld, result.Rejected.Count));
        }

        Assert.Null(fixture.PublishedOn("b"));
    });

    [Fact]
    public void A_node_that_is_created_again_before_its_patch_arrives_gets_no_status() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        fixture.Elected.Api.Fault = request =>
        {
            if (request.Access.Verb == "patch") fixture.Server.RecreateNode("a", "10.24.5.0/24");
            return null;
        };
        Assert.Empty((await fixture.PublishAsync(lease, RouteState.Available)).Rejected);
        Assert.Null(fixture.PublishedOn("a"));
    });

    [Fact]
    public void Statuses_are_read_from_etcd_by_their_subnet_and_a_contradicted_one_is_left_out() => TermFixture.Run(async fixture =>
    {
        var kept = fixture.AddNode("a", "10.24.5.0/24");
        var contradicted = fixture.AddNode("b", "10.24.6.0/24");
        fixture.AddNode("c", "10.24.7.0/24");
        fixture.Server.FreezeCache();
        await fixture.PublishAsync(kept, RouteState.Available);
        await fixture.PublishAsync(contradicted, RouteState.Available);
        fixture.Server.ChangeNode("b", node => node with { NetworkUnavailable = new NodeCondition(true, "NoRouteCreated", "", Before) });
        var annotation = fixture.Elected.Context.Kube.Annotations.RouteStatus;
        fixture.Server.PatchNodeStatus("c", new() { Annotations = new Dictionary<string, string?> { [annotation] = "{" } });
        var statuses = await fixture.Term.Statuses.ReadAllAsync(Cancel);
        Assert.Equal(["10.24.5.0-24"], statuses.Keys);
        Assert.Equal(1, fixture.Logger.Count(6209));
    });

    [Fact]
    public void The_status_of_a_node_without_a_lease_is_deleted_and_others_are_kept() => TermFixture.Run(async fixture =>
    {
        var kept = fixture.AddNode("a", "10.24.5.0/24");
        var former = fixture.AddNode("b", "10.24.6.0/24");
        await fixture.PublishAsync(kept, RouteState.Available);
        await fixture.PublishAsync(former, RouteState.Available);
        var annotations = fixture.Elected.Context.Kube.Annotations;
        var unused = new Dictionary<string, string?> { [annotations.KubeSubnetManager] = null };
        fixture.Server.PatchNodeStatus("b", new NodeStatusPatch { Annotations = unused });
        Assert.True(await fixture.Term.Statuses.DeleteAsync(["10.24.5.0-24", "10.24.6.0-24"], Cancel));
        Assert.NotNull(fixture.PublishedOn("a"));
        Assert.Null(fixture.PublishedOn("b"));
    });

    [Fact]
    public void A_rejected_status_prevents_no_other_one_and_is_logged_once() => TermFixture.Run(async fixture =>
    {
        var leases = Enumerable.Range(1, 40).Select(i => fixture.AddNode($"a{i}", $"10.24.{i}.0/24")).ToList();
        fixture.Elected.Api.Fault = request => request is { Access.Verb: "patch", Name: "a7" or "a9" }
            ? new ModelFault(KubeErrorKind.Forbidden)
            : null;
        var result = await fixture.Term.Statuses.PublishAsync(
            [.. leases.Select(lease => new RouteStatusUpdate(lease, TermFixture.StatusOf(lease, RouteState.Available)))], Cancel);
        Assert.True(result.IsTermHeld);
        Assert.Equal(["10.24.7.0-24", "10.24.9.0-24"], result.Rejected.Order(StringComparer.Ordinal));
        Assert.Equal(38, fixture.Server.Nodes.Count(node => fixture.PublishedOn(node.Name) is not null));
        var line = Assert.Single(fixture.Logger.Lines, line => line.Id == 6200);
        Assert.Contains("patch nodes/status", line.Text, StringComparison.Ordinal);
    });

    [Fact]
    public void An_unavailable_API_server_is_reported_and_a_repetition_writes_the_rest() => TermFixture.Run(async fixture =>
    {
        var leases = Enumerable.Range(1, 40).Select(i => fixture.AddNode($"a{i}", $"10.24.{i}.0/24")).ToList();
        var updates = leases.Select(lease => new RouteStatusUpdate(lease, TermFixture.StatusOf(lease, RouteState.Available))).ToList();
        fixture.Elected.Api.FailNext(ModelFault.ResponseLost, request => request is { Access.Verb: "patch", Name: "a7" });
        await Assert.ThrowsAsync<KubeException>(() => fixture.Term.Statuses.PublishAsync(updates, Cancel));
        Assert.Empty((await fixture.Term.Statuses.PublishAsync(updates, Cancel)).Rejected);
        Assert.Equal(40, fixture.Server.Nodes.Count(node => node.NetworkUnavailable is { IsTrue: false }));
    });

    [Fact]
    public void No_status_is_written_after_the_term() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        var term = fixture.Term;
        await fixture.Elected.StopAsync();
        var update = new RouteStatusUpdate(lease, TermFixture.StatusOf(lease, RouteState.Available));
        Assert.False((await term.Statuses.PublishAsync([update], Cancel)).IsTermHeld);
        Assert.False(await term.Statuses.DeleteAsync(["10.24.5.0-24"], Cancel));
        Assert.Null(fixture.PublishedOn("a"));
    });
}
