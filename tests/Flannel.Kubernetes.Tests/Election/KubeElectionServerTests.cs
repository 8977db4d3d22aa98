using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>The election while the API server loses data, restarts or rejects requests.</summary>
public sealed class KubeElectionServerTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_deleted_Lease_ends_the_term_and_others_wait_until_its_holder_must_know() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        cluster.Server.DeleteLease(cluster.Lease!.Name);
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(4.2));
        Assert.False(first.IsElected && first.Logger.Count(6204) == 0);
        Assert.False(second.IsElected);
        await cluster.AdvanceAsync(Minute);
        Assert.Single(cluster.Elected);
    });

    [Fact]
    public void An_API_server_that_is_restored_from_a_backup_elects_no_second_node() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        var second = cluster.Add(2).Start();
        await cluster.UntilStandbyAsync(second);
        var restoreHeldByFirst = cluster.Server.Backup();
        await first.StopAsync();
        var restoreReleased = cluster.Server.Backup();
        await cluster.UntilElectedAsync(second);
        await cluster.UntilStandbyAsync(cluster.Add(3).Start());
        foreach (var restore in (Action[])[restoreHeldByFirst, restoreReleased])
        {
            restore();
            await cluster.AdvanceAsync(2 * Minute);
            Assert.Single(cluster.Elected);
        }
    });

    [Fact]
    public void A_restarted_API_server_costs_no_term_and_a_longer_failure_ends_with_an_election() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        cluster.Add(2).Start();
        cluster.Server.IsAvailable = false;
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(5));
        cluster.Server.IsAvailable = true;
        await cluster.AdvanceAsync(Minute);
        Assert.True(first.IsElected);
        cluster.Server.IsAvailable = false;
        await cluster.AdvanceAsync(Minute);
        Assert.Empty(cluster.Elected);
        cluster.Server.IsAvailable = true;
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Single(cluster.Elected);
    });

    [Theory]
    [InlineData("get")]
    [InlineData("create")]
    [InlineData("update")]
    public void A_missing_permission_is_logged_once_and_the_node_is_elected_when_it_is_granted(string verb) =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            if (verb == "update") await cluster.Add(9).Start().StopAsync();
            var first = cluster.Add(1);
            var access = new AccessReview(verb, ModelAccount.LeaseGroup, "leases");
            first.Api.Account.Deny(access);
            first.Start();
            await cluster.AdvanceAsync(10 * Minute);
            Assert.False(first.IsElected);
            var line = Assert.Single(first.Logger.Lines, line => line.Id == 6200);
            Assert.Contains($"{verb} leases.coordination.k8s.io in namespace kube-flannel", line.Text, StringComparison.Ordinal);
            Assert.InRange(first.Api.Requests.Count, 5, 60);
            first.Api.Account.Allow(access);
            await cluster.UntilElectedAsync(first, 2 * Minute);
        });

    [Fact]
    public void No_election_is_vacant_while_the_API_server_is_unavailable() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1);
        Assert.True(await first.Election.IsVacantAsync(Cancel));
        cluster.Server.IsAvailable = false;
        Assert.False(await first.Election.IsVacantAsync(Cancel));
        cluster.Server.IsAvailable = true;
        await cluster.UntilElectedAsync(cluster.Add(2).Start());
        Assert.False(await first.Election.IsVacantAsync(Cancel));
    });
}
