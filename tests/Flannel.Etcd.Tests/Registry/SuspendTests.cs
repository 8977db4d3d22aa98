using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>A suspended machine: no timer has run, and the time of the lease in etcd has passed.</summary>
public sealed class SuspendTests
{
    // The longest wait of the keeper, and of a term.
    private static readonly TimeSpan KeepersCheck = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TermsCheck = TimeSpan.FromSeconds(1);

    private readonly SuspendableTime time = new();
    private readonly ModelEtcd etcd;
    private readonly RegistryFixture fixture;

    public SuspendTests()
    {
        etcd = new ModelEtcd(time);
        fixture = new RegistryFixture(etcd, "/coreos.com/network", time: time);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_that_expired_during_a_suspension_is_reported_at_the_first_check()
    {
        var held = await AcquireAsync();
        await using var events = new Events(fixture.Keeper(held));
        await events.NextAsync<LeaseEvent.Confirmed>();
        time.Suspend(TimeSpan.FromHours(25));
        etcd.Reachable = false;
        time.Advance(KeepersCheck);
        await events.NextAsync<LeaseEvent.Expired>();
    }

    [Fact]
    public async Task A_renewal_that_became_due_during_a_suspension_is_sent_at_the_first_check()
    {
        var held = await AcquireAsync();
        await using var events = new Events(fixture.Keeper(held));
        await events.NextAsync<LeaseEvent.Confirmed>();
        time.Suspend(TimeSpan.FromHours(23.5));
        // When the keeper has begun to wait is its own affair.
        await Eventually.IsAsync("the lease is renewed", async () =>
        {
            if (events.Seen.OfType<LeaseEvent.Renewed>().Any()) return true;
            time.Advance(KeepersCheck);
            await Task.Delay(1, Cancel);
            return false;
        });
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);
        Assert.True(time.GetElapsedTime(held.Expiry!.Value.Begin) < TimeSpan.FromHours(23.75));
    }

    [Fact]
    public async Task A_term_that_ended_during_a_suspension_is_not_proved_even_before_a_timer_runs()
    {
        await using var term = await CampaignAsync();
        time.Suspend(TimeSpan.FromMinutes(1));
        fixture.Etcd.Forget();
        Assert.False(await term.StillHeldAsync(Cancel));
        Assert.True(term.Lost.IsCancellationRequested);
        Assert.Empty(fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_term_that_ended_during_a_suspension_is_lost_within_a_second()
    {
        await using var term = await CampaignAsync();
        time.Suspend(TimeSpan.FromMinutes(1));
        etcd.Reachable = false;
        time.Advance(TermsCheck);
        await Eventually.IsAsync("the term is lost", () => term.Lost.IsCancellationRequested);
    }

    private async Task<HeldLease> AcquireAsync()
    {
        await fixture.PublishConfigAsync();
        return await fixture.AcquireAsync("192.168.0.1");
    }

    private Task<ElectedTerm> CampaignAsync() =>
        new EtcdElection(fixture.Context with { Time = time }, new ControllerHolder("i-1", "192.168.0.1")).CampaignAsync(Cancel);
}
