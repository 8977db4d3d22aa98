using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>One of the observers is prepared to replace the route controller.</summary>
public sealed class KubeStandbyTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Few_of_many_observers_check_their_permissions() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        await cluster.UntilElectedAsync(cluster.Add(1).Start());
        var observers = Enumerable.Range(2, 50).Select(node => cluster.Add(node).StartObserving()).ToList();
        await cluster.AdvanceAsync(10 * Minute);
        Assert.NotNull(cluster.Standby);
        Assert.InRange(observers.Sum(observer => observer.PermissionChecks), 1, 2);
    });

    [Fact]
    public void A_standby_that_fails_is_replaced() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        await cluster.UntilElectedAsync(cluster.Add(1).Start());
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        var third = cluster.Add(3).Start();
        await cluster.AdvanceAsync(10 * Minute);
        Assert.Equal(0, third.PermissionChecks);
        second.PowerOff();
        await cluster.UntilStandbyAsync(third);
    });

    [Fact]
    public void A_node_without_the_permissions_does_not_become_the_standby_and_checks_them_again_after_minutes() =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            await cluster.UntilElectedAsync(cluster.Add(1).Start());
            var second = cluster.Add(2);
            second.MayControl = false;
            second.StartObserving();
            await cluster.AdvanceAsync(4 * Minute);
            Assert.Equal(1, second.PermissionChecks);
            Assert.Null(cluster.Standby);
            second.MayControl = true;
            await cluster.AdvanceAsync(12 * Minute);
            Assert.Equal(2, second.PermissionChecks);
            Assert.NotNull(cluster.Standby);
        });

    [Fact]
    public void A_node_that_may_not_write_the_Lease_checks_its_permissions_again_after_minutes() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        await cluster.UntilElectedAsync(cluster.Add(1).Start());
        var second = cluster.Add(2);
        second.Api.Account.Deny(new AccessReview("update", ModelAccount.LeaseGroup, "leases"));
        second.StartObserving();
        await cluster.AdvanceAsync(4 * Minute);
        Assert.Equal(1, second.PermissionChecks);
        Assert.Equal(1, second.Logger.Count(6200));
    });

    [Fact]
    public void A_standby_whose_annotation_is_replaced_is_none_any_more() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).StartObserving();
        await cluster.UntilStandbyAsync(second);
        cluster.Server.UpdateLease(cluster.Lease!.With(
            ControllerObjects.StandbyAnnotation, """{"InstanceId":"i-9","PublicIp":"192.168.0.9","Run":"a","Renewals":1}"""));
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(2));
        await first.StopAsync();
        await virtualTime.UntilAsync("the observer returns", () => second.WasStandby is not null, Minute);
        Assert.False(second.WasStandby);
    });

    [Fact]
    public void A_candidate_that_another_one_forestalls_becomes_its_standby() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        await cluster.UntilElectedAsync(cluster.Add(1).Start());
        var second = cluster.Add(2);
        using var stop = new CancellationTokenSource();
        _ = second.Election.CampaignAsync(stop.Token);
        await cluster.UntilStandbyAsync(second);
        Assert.Equal(0, second.PermissionChecks);
        stop.Cancel();
    });

    [Fact]
    public void The_election_removes_the_standby() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        await first.StopAsync();
        await cluster.UntilElectedAsync(second);
        Assert.Null(cluster.Standby);
    });
}
