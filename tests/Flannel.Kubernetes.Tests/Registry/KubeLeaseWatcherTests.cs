using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

/// <summary>Routes are deleted on these snapshots.</summary>
public sealed class KubeLeaseWatcherTests : IAsyncDisposable
{
    private readonly KubeFixture fixture = new();
    private readonly EventCollector<LeaseSnapshot> snapshots;

    public KubeLeaseWatcherTests()
    {
        fixture.CreateLeasedNode("n1", KubeFixture.AttributesOf("i-1"), "10.24.5.0/24");
        fixture.CreateLeasedNode("n2", KubeFixture.AttributesOf("i-2", "192.168.0.6"), "10.24.6.0/24");
        snapshots = new EventCollector<LeaseSnapshot>(fixture.Manager.WatchLeasesAsync);
    }

    private LeaseSnapshot Last => snapshots.Items[^1];

    public async ValueTask DisposeAsync()
    {
        await snapshots.DisposeAsync();
        fixture.Dispose();
    }

    [Fact]
    public async Task A_deleted_node_is_missing_in_a_later_snapshot_of_the_same_listing()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var before = Last;
        Assert.True(before.IsComplete);
        Assert.Equal("10.24.0.0/16", before.Config?.Network.ToString());
        fixture.Server.DeleteNode("n1");
        await UntilAsync("10.24.6.0-24");
        Assert.Equal(before.Listing, Last.Listing);
        Assert.True(Last.Generation > before.Generation);
        Assert.Same(before.Leases[1], Last.Leases[0]);
    }

    /// <summary>Of two Nodes with one podCIDR the route leads to the first, and must not change between them.</summary>
    [Fact]
    public async Task Nodes_with_one_podCIDR_have_one_order()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        fixture.CreateLeasedNode("z", KubeFixture.AttributesOf("i-9", "192.168.0.9"), "10.24.7.0/24");
        fixture.CreateLeasedNode("y", KubeFixture.AttributesOf("i-8", "192.168.0.8"), "10.24.7.0/24");
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24", "10.24.7.0-24", "10.24.7.0-24");
        Assert.Equal(["y", "z"], Last.Leases.Skip(2).Select(lease => ((KubeLeaseIdentity)lease.Identity).Node));
    }

    [Fact]
    public async Task A_node_that_was_deleted_while_nothing_was_watched_is_missing_in_another_listing()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var before = Last.Listing;
        fixture.Server.IsAvailable = false;
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(5));
        fixture.Server.DeleteNode("n1");
        fixture.Server.IsAvailable = true;
        await UntilAsync("10.24.6.0-24");
        Assert.NotEqual(before, Last.Listing);
    }

    [Fact]
    public async Task A_restored_server_is_another_listing()
    {
        var restore = fixture.Server.Backup();
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        fixture.CreateLeasedNode("n3", KubeFixture.AttributesOf("i-3", "192.168.0.7"), "10.24.7.0/24");
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24", "10.24.7.0-24");
        var before = Last.Listing;
        restore();
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        Assert.NotEqual(before, Last.Listing);
    }

    [Fact]
    public async Task A_node_that_is_created_again_has_another_identity()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var before = Last.Leases[0].Identity;
        fixture.Server.DeleteNode("n1");
        fixture.CreateLeasedNode("n1", KubeFixture.AttributesOf("i-1"), "10.24.5.0/24");
        await fixture.UntilAsync("the new node", () => Last.Leases.Count == 2 && Last.Leases[0].Identity != before);
    }

    [Fact]
    public async Task A_write_of_the_kubelet_gives_no_snapshot()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var count = snapshots.Items.Count;
        for (var i = 0; i < 20; i++) fixture.Server.TouchNode("n1");
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Available)));
        fixture.Annotate("n2", fixture.Annotations.PublicIp, "192.168.0.9");
        await fixture.UntilAsync("the change", () => Last.Leases[1].Attributes.PublicIp.ToString() == "192.168.0.9");
        Assert.Equal(count + 1, snapshots.Items.Count);
    }

    /// <summary>Upstream drops an event in which the annotations of one family alone change.</summary>
    [Theory]
    [InlineData("backend-data")]
    [InlineData("backend-v6-data")]
    [InlineData("public-ip")]
    [InlineData("public-ipv6")]
    public async Task A_change_of_one_family_alone_is_seen(string name)
    {
        var dual = KubeFixture.AttributesOf("i-3") with { PublicIpv6 = "fd00::7", BackendV6Data = """{"VtepMAC":"0a:00:00:00:00:01"}""" };
        fixture.CreateLeasedNode("n3", dual, "fd00:24:0:7::/64", "10.24.7.0/24");
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24", "10.24.7.0-24&fd00:24:0:7::-64");
        var before = Last.Leases[2];
        var value = name switch
        {
            "public-ip" => "192.168.0.9",
            "public-ipv6" => "fd00::9",
            _ => """{"InstanceId":"i-3","VtepMAC":"0a:00:00:00:00:02"}""",
        };
        fixture.Annotate("n3", $"{NodeAnnotations.DefaultPrefix}/{name}", value);
        await fixture.UntilAsync("the change", () => Last.Leases[2].Attributes != before.Attributes);
        Assert.NotEqual(before.Version, Last.Leases[2].Version);
    }

    [Fact]
    public async Task A_released_node_and_an_excluded_one_stay_without_an_instance()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var before = Last.Listing;
        fixture.Annotate("n1", fixture.Annotations.KubeSubnetManager, null);
        await fixture.UntilAsync("the release", () => LeaseInstance.Read(Last.Leases[0].Attributes) is null);
        fixture.Server.ChangeNode("n2", node => node with
        {
            Labels = new Dictionary<string, string> { ["service.alibabacloud.com/exclude-node"] = "true" },
        });
        await fixture.UntilAsync("the exclusion", () => LeaseInstance.Read(Last.Leases[1].Attributes) is null);
        Assert.Equal(["10.24.5.0-24", "10.24.6.0-24"], Last.Leases.Select(lease => lease.Key.ToString()));
        Assert.Equal(before, Last.Listing);
        Assert.True(Last.IsComplete);
    }

    [Fact]
    public async Task A_deleting_node_keeps_its_lease_until_it_is_deleted()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        fixture.Server.ChangeNode("n1", node => node with { IsDeleting = true });
        fixture.Server.DeleteNode("n2");
        await UntilAsync("10.24.5.0-24");
    }

    [Fact]
    public async Task A_problem_of_a_node_is_logged_once_and_an_unknown_subnet_makes_the_snapshot_incomplete()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        fixture.Server.ChangeNode("n1", node => node with { ProviderId = "cn-hangzhou.i-9" });
        await fixture.UntilAsync("the contradiction", () => LeaseInstance.Read(Last.Leases[0].Attributes) is null);
        Assert.True(Last.IsComplete);
        for (var i = 0; i < 5; i++) fixture.Server.TouchNode("n1");
        fixture.CreateLeasedNode("n3", KubeFixture.AttributesOf("i-3"), "fd00:24:0:7::/64");
        await fixture.UntilAsync("the node without IPv4", () => !Last.IsComplete);
        Assert.Equal(1, fixture.Logger.Count(6103));
        Assert.Equal(1, fixture.Logger.Count(6104));
        fixture.Server.DeleteNode("n3");
        await fixture.UntilAsync("its end", () => Last.IsComplete);
    }

    [Fact]
    public async Task A_changed_configuration_gives_a_snapshot_of_the_same_listing()
    {
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        var before = Last.Listing;
        fixture.WriteConfig(KubeFixture.Config.Replace("10.24.0.0/16", "10.0.0.0/8", StringComparison.Ordinal));
        await fixture.UntilAsync("the configuration", () => Last.Config?.Network.ToString() == "10.0.0.0/8");
        fixture.WriteConfig("{");
        await fixture.UntilAsync("no configuration", () => Last.Config is null);
        Assert.Equal(before, Last.Listing);
    }

    [Fact]
    public async Task A_lease_source_waits_for_the_first_list_and_then_for_changes()
    {
        fixture.Server.IsAvailable = false;
        var watcher = new KubeLeaseWatcher(fixture.Context, fixture.NetConf);
        using var stop = new CancellationTokenSource();
        var running = watcher.RunAsync(stop.Token);
        var first = watcher.CurrentAsync(TestContext.Current.CancellationToken).AsTask();
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.False(first.IsCompleted);
        fixture.Server.IsAvailable = true;
        var snapshot = await fixture.UntilAsync("the first list", first);
        var changed = watcher.ChangedAfterAsync(snapshot.Generation, TestContext.Current.CancellationToken);
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.False(changed.IsCompleted);
        fixture.Server.DeleteNode("n1");
        await fixture.UntilAsync("a change", () => changed.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task Route_statuses_belong_to_the_node_that_has_them()
    {
        await using var statuses = new EventCollector<RouteStatusSnapshot>(fixture.Manager.WatchRouteStatusesAsync);
        await UntilAsync("10.24.5.0-24", "10.24.6.0-24");
        await fixture.UntilAsync("the first list", () => statuses.Items.Count == 1);
        var status = KubeFixture.StatusOf(RouteState.Conflict);
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(status));
        await fixture.UntilAsync("the status", () => statuses.Items[^1].Of(Last.Leases[0]) is { State: RouteState.Conflict });
        Assert.Null(statuses.Items[^1].Of(Last.Leases[1]));
        var published = statuses.Items[^1].Statuses["10.24.5.0-24"];
        Assert.False(published.Describes(Last.Leases[0] with { Identity = new KubeLeaseIdentity("n1", "other", default) }));

        fixture.Server.TouchNode("n1");
        fixture.Annotate("n2", fixture.Annotations.RouteStatus, "{}");
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, null);
        await fixture.UntilAsync("its end", () => statuses.Items[^1].Statuses.Count == 0);
        Assert.Equal(3, statuses.Items.Count);
    }

    private Task UntilAsync(params string[] keys) => fixture.UntilAsync(
        string.Join(", ", keys),
        () => snapshots.Items.Count > 0 && Last.Leases.Select(lease => lease.Key.ToString()).SequenceEqual(keys));
}
