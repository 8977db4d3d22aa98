using Flannel.Core.Leases;
using Flannel.Etcd.Model;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>While a machine is suspended, its timers do not run, and the time to live of its leases in etcd passes.</summary>
public sealed class SuspendTests
{
    // The longest waits of the keeper and of a term.
    private static readonly TimeSpan KeeperInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan TermInterval = TimeSpan.FromSeconds(1);

    private readonly SuspendableTime time = new();
    private readonly ModelEtcd etcd;
    private readonly RegistryFixture fixture;

    public SuspendTests()
    {
        var model = new ModelRegistry(time);
        (etcd, fixture) = (model.Etcd, model.Fixture);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_lease_that_expired_during_a_suspension_is_reported_at_the_first_check()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        time.Suspend(TimeSpan.FromHours(25));
        etcd.IsAvailable = false;
        time.Advance(KeeperInterval);
        await events.NextAsync<LeaseEvent.Expired>();
    }

    [Fact]
    public async Task A_renewal_that_became_due_during_a_suspension_is_sent_at_the_first_check()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        time.Suspend(TimeSpan.FromHours(23.5));
        // The keeper may begin to wait after the suspension.
        await Eventually.IsAsync("the lease is renewed", async () =>
        {
            if (events.Seen.OfType<LeaseEvent.Renewed>().Any()) return true;
            time.Advance(KeeperInterval);
            await Task.Delay(1, Cancel);
            return false;
        });
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);
        Assert.True(time.GetElapsedTime(held.Expiry!.Value.Begin) < TimeSpan.FromHours(23.75));
    }

    [Fact]
    public async Task A_term_that_ended_during_a_suspension_is_not_proved_even_before_a_timer_runs()
    {
        await using var term = await fixture.CampaignAsync();
        time.Suspend(TimeSpan.FromMinutes(1));
        fixture.Etcd.ClearRequests();
        Assert.False(await term.StillHeldAsync(Cancel));
        Assert.True(term.Lost.IsCancellationRequested);
        Assert.Empty(fixture.Etcd.Requests);
    }

    [Fact]
    public async Task A_term_that_ended_during_a_suspension_is_lost_within_a_second()
    {
        await using var term = await fixture.CampaignAsync();
        time.Suspend(TimeSpan.FromMinutes(1));
        etcd.IsAvailable = false;
        time.Advance(TermInterval);
        await Eventually.IsAsync("the term is lost", () => term.Lost.IsCancellationRequested);
    }

    private async Task<HeldLease> AcquireAsync()
    {
        await fixture.PublishConfigAsync();
        return await fixture.AcquireAsync("192.168.0.1");
    }
}
