using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class HoldTests : IDisposable
{
    private readonly KubeFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task The_first_event_confirms_the_lease_and_the_route_status_follows()
    {
        var held = await fixture.HoldAsync();
        await using var events = Hold(held);
        await fixture.UntilAsync("the status", () => events.Items.Count >= 2);
        Assert.Equal(held.Lease, Assert.IsType<LeaseEvent.Confirmed>(events.Items[0]).Lease);
        Assert.Null(Assert.IsType<LeaseEvent.RouteStatusChanged>(events.Items[1]).Status);

        Publish(RouteState.Available);
        await fixture.UntilAsync("the new status", () => Status(events)?.State == RouteState.Available);
        Assert.Single(events.Items.OfType<LeaseEvent.Confirmed>());
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, "{}");
        await fixture.UntilAsync("no status", () => Status(events) is null);
        Assert.Equal(1, fixture.Logger.Count(6105));
    }

    [Fact]
    public async Task A_write_of_the_kubelet_is_no_event_and_no_request()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        for (var i = 0; i < 20; i++) fixture.Server.TouchNode("n1");
        Publish(RouteState.Available);
        await fixture.UntilAsync("the status", () => Status(events)?.State == RouteState.Available);
        Assert.Equal(3, events.Items.Count(item => item is not LeaseEvent.ControllerChanged));
        Assert.Single(fixture.Patches);
    }

    [Fact]
    public async Task An_unavailable_server_costs_nothing_however_long_it_takes()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Server.IsAvailable = false;
        await fixture.AdvanceAsync(TimeSpan.FromHours(1));
        fixture.Time.Advance(TimeSpan.FromDays(3));
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.Single(events.Items.OfType<LeaseEvent.Unavailable>());
        Assert.DoesNotContain(events.Items, item => item is LeaseEvent.Expired or LeaseEvent.Lost);

        fixture.Server.IsAvailable = true;
        await fixture.UntilAsync("confirmed again", () => events.Items.OfType<LeaseEvent.Confirmed>().Count() == 2);
        Assert.Equal(TimeSpan.MaxValue, fixture.Manager.LeaseTime);
    }

    [Fact]
    public async Task A_deleted_node_has_lost_its_lease()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Server.DeleteNode("n1");
        await LostAsync(events, LeaseLoss.Deleted, "node n1 was deleted");
    }

    [Fact]
    public async Task A_node_that_was_deleted_while_the_server_was_unavailable_has_lost_its_lease()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Server.IsAvailable = false;
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
        fixture.Server.DeleteNode("n1");
        fixture.Server.IsAvailable = true;
        await LostAsync(events, LeaseLoss.Deleted, "node n1 was deleted");
    }

    [Theory]
    [InlineData("10.24.5.0/24")]
    [InlineData("10.24.9.0/24")]
    public async Task A_node_that_was_created_again_has_lost_its_lease(string podCidr)
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Server.IsAvailable = false;
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(10));
        fixture.Server.RecreateNode("n1", podCidr);
        fixture.Server.IsAvailable = true;
        await LostAsync(events, LeaseLoss.Deleted, "created again");
    }

    [Fact]
    public async Task A_list_from_an_old_cache_is_not_the_loss_of_the_lease()
    {
        fixture.Server.CreateNode("other");
        fixture.Server.FreezeCache();
        var held = await fixture.HoldAsync();
        await using var events = Hold(held);
        await fixture.UntilAsync("confirmed", () => events.Items.Count >= 2);
        Assert.IsType<LeaseEvent.Confirmed>(events.Items[0]);
        Assert.Single(fixture.Patches);
        fixture.Server.ThawCache();
    }

    [Theory]
    [InlineData("kube-subnet-manager", null)]
    [InlineData("backend-data", null)]
    [InlineData("backend-type", "vxlan")]
    [InlineData("public-ip", "192.168.0.99")]
    [InlineData("backend-data", """{"InstanceId":"i-9"}""")]
    public async Task Annotations_that_another_program_changed_are_written_again(string name, string? value)
    {
        var held = await fixture.HoldAsync();
        await using var events = Hold(held);
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Annotate("n1", $"{NodeAnnotations.DefaultPrefix}/{name}", value);
        await fixture.UntilAsync(
            "written again", () => fixture.Annotations.Differences(fixture.Node, held.Lease.Attributes).Count == 0);
        Assert.Equal(2, fixture.Patches.Count());
        Assert.DoesNotContain(events.Items, item => item is LeaseEvent.Lost);
        Assert.Equal(1, fixture.Logger.Count(6107));
    }

    [Fact]
    public async Task Two_programs_that_write_the_same_annotation_are_no_busy_loop()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        for (var i = 0; i < 200; i++)
        {
            if (fixture.Node.Annotations[fixture.Annotations.BackendType] == "ali-vpc")
                fixture.Annotate("n1", fixture.Annotations.BackendType, "vxlan");
            await fixture.AdvanceAsync(TimeSpan.FromSeconds(2));
        }

        Assert.InRange(fixture.Patches.Count(), 5, 30);
    }

    [Fact]
    public async Task A_change_now_and_then_is_written_again_without_a_long_pause()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        for (var i = 0; i < 9; i++)
        {
            await fixture.AdvanceAsync(TimeSpan.FromMinutes(11));
            var begin = fixture.Time.GetUtcNow();
            fixture.Annotate("n1", fixture.Annotations.BackendType, "vxlan");
            await fixture.UntilAsync("written again", () => fixture.Node.Annotations[fixture.Annotations.BackendType] == "ali-vpc");
            Assert.InRange(fixture.Time.GetUtcNow() - begin, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        }
    }

    [Fact]
    public async Task An_operators_address_is_applied_while_the_node_runs()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        fixture.Annotate("n1", fixture.Annotations.PublicIpOverwrite, "203.0.113.5");
        await fixture.UntilAsync("applied", () => fixture.Node.Annotations[fixture.Annotations.PublicIp] == "203.0.113.5");
    }

    [Fact]
    public async Task A_restored_server_gets_the_annotations_again()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        var restore = fixture.Server.Backup();
        var held = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        await using var events = Hold(held);
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        restore();
        await fixture.UntilAsync(
            "written again", () => fixture.Annotations.Differences(fixture.Node, held.Lease.Attributes).Count == 0);
        Publish(RouteState.Available);
        await fixture.UntilAsync("events of the restored server", () => Status(events)?.State == RouteState.Available);
        Assert.DoesNotContain(events.Items, item => item is LeaseEvent.Lost);
    }

    [Fact]
    public async Task The_mark_of_an_earlier_release_does_not_come_back_with_a_restore()
    {
        var held = await fixture.HoldAsync();
        var marked = held.Lease.Attributes with { BackendData = """{"InstanceId":"i-1","Released":true}""" };
        fixture.Annotate("n1", fixture.Annotations.BackendData, marked.BackendData);
        var restore = fixture.Server.Backup();
        var again = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        await using var events = Hold(again);
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        restore();
        await fixture.UntilAsync(
            "written again", () => fixture.Annotations.Differences(fixture.Node, held.Lease.Attributes).Count == 0);
    }

    [Fact]
    public async Task A_changed_configuration_is_reported_once()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("confirmed", () => events.Items.Count >= 2);
        fixture.WriteConfig(KubeFixture.DualStackConfig);
        await fixture.UntilAsync("the change", () => events.Last<LeaseEvent.ConfigChanged>() is not null);
        fixture.Api.BreakWatches();
        await fixture.UntilAsync("confirmed again", () => events.Items.OfType<LeaseEvent.Confirmed>().Count() == 2);
        Assert.IsType<ConfigState.Present>(Assert.Single(events.Items.OfType<LeaseEvent.ConfigChanged>()).Config);
    }

    [Fact]
    public async Task The_route_controller_is_read_often_only_while_the_route_is_missing()
    {
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("the first read", () => events.Last<LeaseEvent.ControllerChanged>() is not null);
        Assert.Null(events.Last<LeaseEvent.ControllerChanged>()!.Holder);
        fixture.Election.Holder = new ControllerHolder("i-9", "192.168.0.9");
        await fixture.UntilAsync("elected", () => events.Last<LeaseEvent.ControllerChanged>()!.Holder is not null);
        Assert.Equal(2, events.Items.OfType<LeaseEvent.ControllerChanged>().Count());

        Publish(RouteState.Available);
        await fixture.UntilAsync("the status", () => Status(events)?.State == RouteState.Available);
        var reads = fixture.Election.Reads;
        await fixture.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.InRange(fixture.Election.Reads - reads, 3, 7);
    }

    [Fact]
    public async Task A_node_that_may_not_read_the_election_holds_its_lease()
    {
        fixture.Election.Failure = new KubeException(KubeErrorKind.Forbidden, "get leases: forbidden");
        await using var events = Hold(await fixture.HoldAsync());
        await fixture.UntilAsync("some reads", () => fixture.Election.Reads > 3);
        Assert.DoesNotContain(events.Items, item => item is LeaseEvent.ControllerChanged or LeaseEvent.Unavailable);
    }

    [Fact]
    public async Task A_released_lease_is_lost_although_the_daemon_runs()
    {
        var held = await fixture.HoldAsync();
        await using var events = Hold(held);
        await fixture.UntilAsync("the watch", () => fixture.Api.OpenWatches == 1);
        var command = fixture.CreateManager("n1", new ModelKubeApi(fixture.Server));
        var lease = (await command.ReadAsync(TestContext.Current.CancellationToken)).Leases.Single();
        var marked = lease.Attributes with { BackendData = """{"InstanceId":"i-1","Released":true}""" };
        var updated = await command.UpdateAsync(lease, marked, TestContext.Current.CancellationToken);
        await fixture.UntilAsync(
            "the mark", () => events.Last<LeaseEvent.Confirmed>()?.Lease.Attributes.BackendData == marked.BackendData);
        Assert.True(await command.ReleaseAsync(updated!, TestContext.Current.CancellationToken));
        await LostAsync(events, LeaseLoss.Deleted, "released");
        Assert.Single(fixture.Patches);
    }

    [Fact]
    public async Task The_lease_stays_when_the_reader_stops()
    {
        var held = await fixture.HoldAsync();
        await using (var events = Hold(held)) await fixture.UntilAsync("confirmed", () => events.Items.Count >= 2);
        await fixture.UntilAsync("the end of the watch", () => fixture.Api.OpenWatches == 0);
        Assert.True(fixture.Annotations.IsManaged(fixture.Node));
    }

    private EventCollector<LeaseEvent> Hold(HeldLease held) => new(stop => fixture.Manager.HoldAsync(held, stop));

    private void Publish(RouteState state) =>
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(state)));

    private static RouteStatus? Status(EventCollector<LeaseEvent> events) => events.Last<LeaseEvent.RouteStatusChanged>()?.Status;

    private async Task LostAsync(EventCollector<LeaseEvent> events, LeaseLoss loss, string reason)
    {
        await fixture.UntilAsync("the end", () => events.Ended.IsCompleted);
        await events.Ended;
        var lost = Assert.IsType<LeaseEvent.Lost>(events.Items[^1]);
        Assert.Equal(loss, lost.Loss);
        Assert.Contains(reason, lost.Reason, StringComparison.Ordinal);
    }
}
