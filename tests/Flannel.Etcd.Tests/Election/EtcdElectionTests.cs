using Flannel.Core.Routes;
using Flannel.Etcd.Election;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Election;

public sealed class EtcdElectionTests(SharedEtcd shared)
{
    // A busy machine may be late by half of it, and the term is still renewed in time.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_candidate_is_elected_and_the_others_wait_without_requests()
    {
        var fixture = shared.CreateFixture();
        await using var first = await fixture.CampaignAsync("i-1");
        Assert.Equal(new ControllerHolder("i-1", "192.168.0.1"), await fixture.ControllerAsync());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        fixture.Etcd.ClearRequests();
        var second = fixture.NewElection("i-2").CampaignAsync(stop.Token);
        await Eventually.IsAsync("the second one observes", () => fixture.Logger.Count(2031) == 1);
        await Eventually.IsAsync("it watches", () => fixture.Etcd.Requests.Contains("Watch"));
        Assert.Equal(["Range", "Watch"], fixture.Etcd.Requests);
        Assert.False(second.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
    }

    [Fact]
    public async Task An_observer_waits_while_another_node_is_elected()
    {
        var fixture = shared.CreateFixture();
        await fixture.NewElection("i-2").ObserveAsync(_ => Task.FromResult(true), Cancel);
        var first = await fixture.CampaignAsync("i-1");
        var observing = fixture.NewElection("i-2").ObserveAsync(_ => Task.FromResult(true), Cancel);
        await Eventually.IsAsync("the second one observes", () => fixture.Logger.Count(2031) == 1);
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancel);
        Assert.False(observing.IsCompleted);
        await first.DisposeAsync();
        await Eventually.WithinAsync("the observer returns", observing);
        Assert.Null(await fixture.ControllerAsync());
    }

    [Fact]
    public async Task Another_candidate_is_elected_at_once_after_a_resignation()
    {
        var fixture = shared.CreateFixture();
        var first = await fixture.CampaignAsync("i-1");
        var second = fixture.NewElection("i-2").CampaignAsync(Cancel);
        await Eventually.IsAsync("the second one observes", () => fixture.Logger.Count(2031) == 1);
        await first.DisposeAsync();
        Assert.True(first.Lost.IsCancellationRequested);
        await using var term = await Eventually.WithinAsync("the second is elected", second);
        Assert.True(term.Revision > first.Revision);
        Assert.True(await term.StillHeldAsync(Cancel));
        Assert.False(await first.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task Another_candidate_is_elected_after_the_term_of_a_crashed_one()
    {
        var fixture = shared.CreateFixture();
        var other = new RegistryFixture(fixture.Direct, fixture.Keys.Prefix);
        await using var first = await fixture.CampaignAsync("i-1", Short);
        // The first sends and receives nothing any more.
        fixture.Etcd.CutOff();
        // Checked after each write of the second; the last of them elects it.
        var firstWasLost = false;
        other.Etcd.FailAfter = name =>
        {
            if (name == "Txn") firstWasLost = first.Lost.IsCancellationRequested;
            return null;
        };
        await using var second = await other.CampaignAsync("i-2", Short);
        Assert.True(firstWasLost, "the term of the first ends before the second is elected");
        Assert.Equal("i-2", (await fixture.ControllerAsync())!.InstanceId);
    }

    [Fact]
    public async Task A_term_is_renewed()
    {
        var fixture = shared.CreateFixture();
        await using var term = await fixture.CampaignAsync("i-1", Short);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await Eventually.IsAsync("three times of a term", () => clock.Elapsed > 3 * Short || term.Lost.IsCancellationRequested);
        Assert.True(await term.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task A_key_deleted_by_an_operator_ends_the_term_at_once()
    {
        var fixture = shared.CreateFixture();
        await using var term = await fixture.CampaignAsync("i-1");
        await fixture.DeleteAsync(fixture.Keys.Controller.ToStringUtf8());
        await Eventually.IsAsync("the term is lost", () => term.Lost.IsCancellationRequested);
        Assert.False(await term.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task Of_many_candidates_exactly_one_is_elected_each_time()
    {
        var fixture = shared.CreateFixture();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var campaigns = Enumerable.Range(0, 20).Select(node => fixture.NewElection($"i-{node}").CampaignAsync(stop.Token)).ToList();
        for (var round = 0; round < 5; round++)
        {
            var elected = await Eventually.WithinAsync("one is elected", Task.WhenAny(campaigns));
            campaigns.Remove(elected);
            await using var term = await elected;
            Assert.True(await term.StillHeldAsync(Cancel));
            Assert.DoesNotContain(campaigns, campaign => campaign.IsCompleted);
        }

        await stop.CancelAsync();
        foreach (var campaign in campaigns)
        {
            try
            {
                await (await campaign).DisposeAsync();
            }
            catch (OperationCanceledException)
            {
                // Was not elected.
            }
        }

        Assert.Null(await fixture.ControllerAsync());
    }

    [Fact]
    public async Task A_campaign_whose_response_was_lost_is_won()
    {
        var fixture = shared.CreateFixture();
        fixture.Etcd.LoseResponse("Txn");
        await using var term = await fixture.CampaignAsync("i-1");
        Assert.Single(fixture.Etcd.Requests, request => request == "Txn");
        Assert.True(await term.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task A_controller_that_is_cut_off_ends_its_term_before_another_can_be_elected()
    {
        var model = new ModelRegistry();
        var (etcd, time) = (model.Etcd, model.Time);
        await using var term = await model.Fixture.CampaignAsync("i-1", TimeSpan.FromSeconds(10));
        etcd.IsAvailable = false;
        var cutOff = time.GetTimestamp();
        // Small steps: the term may notice its end some steps late on a busy machine.
        await model.AdvanceUntilAsync(() => term.Lost.IsCancellationRequested, TimeSpan.FromMilliseconds(50));
        Assert.InRange(time.GetElapsedTime(cutOff), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(9));
        etcd.IsAvailable = true;
        Assert.NotNull(await model.Fixture.GetAsync(model.Fixture.Keys.Controller.ToStringUtf8()));
    }

    [Fact]
    public async Task A_term_that_was_lost_while_cut_off_does_not_delay_the_next_one_of_the_same_node()
    {
        var model = new ModelRegistry();
        var (fixture, time) = (model.Fixture, model.Time);
        var election = fixture.NewElection("i-1");
        var term = await Eventually.WithinAsync("elected", election.CampaignAsync(Cancel));
        var lease = (await fixture.GetAsync(fixture.Keys.Controller.ToStringUtf8()))!.Lease;
        fixture.Etcd.CutOff();
        await model.AdvanceUntilAsync(() => term.Lost.IsCancellationRequested, Step);
        await term.DisposeAsync();
        // As a new leader does after a loss of the quorum.
        Assert.NotNull(await model.Etcd.LeaseKeepAliveOnceAsync(lease, Cancel));
        fixture.Etcd.Reconnect();

        var back = time.GetTimestamp();
        var next = election.CampaignAsync(Cancel);
        await model.AdvanceUntilAsync(() => next.IsCompleted, Step);
        Assert.True(time.GetElapsedTime(back) < EtcdElection.TermTime / 2);
        await using var held = await next;
        Assert.True(await held.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task A_key_without_an_etcd_lease_is_watched_without_repeated_requests()
    {
        var fixture = shared.CreateFixture();
        await fixture.PutAsync(fixture.Keys.Controller.ToStringUtf8(), """{"InstanceId":"i-9","PublicIp":"192.168.0.9"}""");
        var waiting = fixture.NewElection("i-1").CampaignAsync(Cancel);
        await Eventually.IsAsync("it watches", () => fixture.Etcd.Requests.Contains("Watch"));
        Assert.Equal(["Range", "Watch"], fixture.Etcd.Requests);
        await fixture.DeleteAsync(fixture.Keys.Controller.ToStringUtf8());
        await using var term = await Eventually.WithinAsync("elected", waiting);
    }
}
