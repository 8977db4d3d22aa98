using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>The wall clock of a node or of etcd is set: only the monotonic clocks of both count. Against a real etcd.</summary>
public sealed class ClockStepTests(SharedEtcd shared)
{
    // A busy machine may be late by half of it, and the lease is still renewed in time.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3)]
    [InlineData(-3)]
    public async Task A_step_of_the_wall_clock_by_days_affects_no_lease(int days)
    {
        var clock = new SteppedClock();
        var fixture = new RegistryFixture(shared.CreateFixture().Direct, $"/clock{days}/network", time: clock);
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(Short));
        await using var events = await fixture.HoldAsync(held, leaseTime: Short);
        clock.Step(TimeSpan.FromDays(days));
        // Renewed after each half of the lease's time: after three renewals it has lived longer than its time.
        for (var i = 0; i < 3; i++) await events.NextAsync<LeaseEvent.Renewed>();
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost or LeaseEvent.Unavailable);
        Assert.Equal(held.Lease.EtcdLeaseId, (await fixture.GetAsync(fixture.Keys.Subnets + held.Lease.Key))!.Lease);
    }

    [Fact]
    public async Task A_step_of_the_wall_clock_by_days_affects_no_term()
    {
        var clock = new SteppedClock();
        var fixture = new RegistryFixture(shared.CreateFixture().Direct, "/clock-term/network", time: clock);
        await using var term = await fixture.CampaignAsync(termTime: TimeSpan.FromSeconds(4));
        clock.Step(TimeSpan.FromDays(-3));
        fixture.Etcd.ClearRequests();
        await Eventually.IsAsync("it is renewed past its time",
            () => fixture.Etcd.Requests.Count(request => request == "LeaseKeepAlive") >= 4);
        clock.Step(TimeSpan.FromDays(6));
        fixture.Etcd.ClearRequests();
        await Eventually.IsAsync("and again", () => fixture.Etcd.Requests.Count(request => request == "LeaseKeepAlive") >= 4);
        Assert.False(term.Lost.IsCancellationRequested);
        Assert.True(await term.StillHeldAsync(Cancel));
    }

    [Fact]
    public async Task A_lease_is_held_after_etcd_was_down_longer_than_the_lease_time()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var fixture = new RegistryFixture(etcd.Connect());
        await fixture.PublishConfigAsync();
        // etcd gives each lease its whole time again when it starts; the pauses between retries grow to 5 s, and must fit into it.
        var time = TimeSpan.FromSeconds(12);
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(time));
        await using var events = await fixture.HoldAsync(held, leaseTime: time);
        await etcd.KillAsync();
        await events.NextAsync<LeaseEvent.Expired>();
        await etcd.StartAgainAsync();
        var confirmed = await events.NextAsync<LeaseEvent.Confirmed>();
        Assert.Equal(held.Lease with { Version = confirmed.Lease.Version }, confirmed.Lease);
    }
}
