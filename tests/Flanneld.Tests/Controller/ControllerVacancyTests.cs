using Flannel.Core.Routes;
using Flanneld.Controller;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Controller;

public sealed class ControllerVacancyTests
{
    private readonly FakeTimeProvider time = new();

    [Theory]
    [InlineData(true, null, "none is elected; this node is a candidate")]
    [InlineData(true, "no credentials", "none is elected; this node is not a candidate: no credentials")]
    public void Without_a_published_reason_this_node_speaks_for_itself(bool mayControl, string? own, string expected) =>
        Assert.Equal(expected, ControllerVacancy.Explain(NonCandidateList.Empty, mayControl, own));

    [Fact]
    public void If_no_node_publishes_a_reason_none_may_be_a_candidate() => Assert.Equal(
        "none is elected; no node says why: either none has --route-controller=auto,"
        + " or those that have it run a version that does not say it",
        ControllerVacancy.Explain(NonCandidateList.Empty, mayControl: false, null));

    [Fact]
    public void Published_reasons_are_named_and_the_rest_is_counted() => Assert.Equal(
        "none is elected; 4 nodes are not candidates: i-1 (192.168.1.1): missing permission a (request R-1);"
        + " i-2 (192.168.1.2): no credentials; and 2 more; this node has --route-controller=never",
        ControllerVacancy.Explain(
            new NonCandidateList([Node("i-1", "missing permission a", "R-1"), Node("i-2", "no credentials", "")], 4), false, null));

    [Fact]
    public async Task Reasons_are_read_only_while_the_node_waits_and_not_more_often_than_every_30_seconds()
    {
        var subnets = new InMemorySubnetManager(time) { NonCandidates = new NonCandidateList([Node("i-1", "no credentials", "")], 1) };
        var vacancy = new ControllerVacancy(subnets, "i-9", mayControl: true, time, new Random(1));
        var isWaiting = false;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = vacancy.RunAsync(() => isWaiting, () => null, stop.Token);

        await AdvanceAsync(60);
        Assert.Equal((0, ""), (subnets.NonCandidateReads, vacancy.Reason));

        isWaiting = true;
        await AdvanceAsync(15);
        Assert.Equal(1, subnets.NonCandidateReads);
        Assert.Equal("none is elected; 1 node is not a candidate: i-1 (192.168.1.1): no credentials", vacancy.Reason);
        await AdvanceAsync(20);
        Assert.Equal(1, subnets.NonCandidateReads);
        await AdvanceAsync(40);
        Assert.InRange(subnets.NonCandidateReads, 2, 3);

        isWaiting = false;
        await AdvanceAsync(10);
        Assert.Equal("", vacancy.Reason);
        Assert.Empty(subnets.DeletedNonCandidates);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    [Fact]
    public async Task A_node_that_may_not_control_routes_deletes_what_an_earlier_run_published()
    {
        var subnets = new InMemorySubnetManager(time);
        var vacancy = new ControllerVacancy(subnets, "i-9", mayControl: false, time, new Random(1));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = vacancy.RunAsync(() => false, () => null, stop.Token);
        await AdvanceAsync(60);
        Assert.Equal(["i-9"], subnets.DeletedNonCandidates);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static NonCandidate Node(string instance, string reason, string requestId) =>
        new(instance, $"192.168.1.{instance[2..]}", reason, requestId, DateTimeOffset.UnixEpoch);

    private async Task AdvanceAsync(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }
}
