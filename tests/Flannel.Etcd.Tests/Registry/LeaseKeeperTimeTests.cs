using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>A lease that is held for days, with a model of etcd and fake time.</summary>
public sealed class LeaseKeeperTimeTests
{
    private static readonly TimeSpan LongStep = TimeSpan.FromMinutes(20);

    // The keeper may run some steps late on a busy machine: where its timing counts, the steps are short.
    private static readonly TimeSpan ShortStep = TimeSpan.FromMilliseconds(100);

    private readonly ModelRegistry model = new();
    private readonly FakeTimeProvider time;
    private readonly ModelEtcd etcd;
    private readonly RegistryFixture fixture;

    public LeaseKeeperTimeTests() => (time, etcd, fixture) = (model.Time, model.Etcd, model.Fixture);

    [Fact]
    public async Task A_lease_is_renewed_once_a_day_and_an_hour_before_its_end()
    {
        var loops = new LivenessMonitor(time);
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held, loops: loops);
        fixture.Etcd.ClearRequests();
        var step = TimeSpan.FromMinutes(5);
        var renewals = 0;
        var renewedAt = held.Expiry!.Value.Begin;
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromDays(5); passed += step)
        {
            await AdvanceAsync(step, loops);
            if (fixture.Etcd.Requests.Count(request => request == "LeaseKeepAlive") == renewals) continue;
            renewals++;
            // An hour before the end, and up to an eighth of that earlier. The renewal may be seen a few steps late on a busy machine.
            Assert.InRange(time.GetElapsedTime(renewedAt), TimeSpan.FromHours(24 - 1 - 1.0 / 8), TimeSpan.FromHours(23) + 6 * step);
            renewedAt = time.GetTimestamp();
        }

        Assert.Equal(5, renewals);
        Assert.All(fixture.Etcd.Requests, request => Assert.Equal("LeaseKeepAlive", request));
    }

    [Fact]
    public async Task A_lease_whose_renewals_failed_is_renewed_as_soon_as_etcd_has_recovered()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        await PassAsync(TimeSpan.FromHours(22), TimeSpan.FromHours(1));
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        // Long enough for the longest pause between two renewals.
        await PassAsync(Left() - TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(5));
        await PassAsync(Left() - TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));
        etcd.IsAvailable = true;
        // etcd is read at least every five seconds.
        await model.AdvanceUntilAsync(() => events.Seen.OfType<LeaseEvent.Renewed>().Any(), ShortStep);
        Assert.True(Left() > TimeSpan.FromSeconds(10), $"{Left()} left");
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);

        TimeSpan Left() => held.Expiry!.Value.Remaining(time);

        async Task PassAsync(TimeSpan length, TimeSpan step)
        {
            for (var passed = TimeSpan.Zero; passed < length; passed += step) await model.AdvanceAsync(step);
        }
    }

    [Fact]
    public async Task Failed_renewals_are_retried_more_often_as_the_expiry_comes_near()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held, margin: TimeSpan.FromHours(23.99));
        // Only renewals fail.
        fixture.Etcd.FailBefore = name => name == "LeaseKeepAlive" ? new EtcdException(EtcdErrorKind.TooManyRequests, "busy", false) : null;
        while (held.Expiry!.Value.Remaining(time) > TimeSpan.FromMinutes(10)) await model.AdvanceAsync(TimeSpan.FromMinutes(5));
        while (held.Expiry!.Value.Remaining(time) > TimeSpan.FromSeconds(20)) await model.AdvanceAsync(TimeSpan.FromSeconds(1));
        fixture.Etcd.ClearRequests();
        while (held.Expiry!.Value.Remaining(time) > TimeSpan.Zero) await model.AdvanceAsync(ShortStep);
        Assert.InRange(fixture.Etcd.Requests.Count(request => request == "LeaseKeepAlive"), 5, 20);
        Assert.InRange(fixture.Observer.FailedRenewals, 5, int.MaxValue);
    }

    [Fact]
    public async Task A_node_that_is_cut_off_for_less_than_the_lease_time_holds_its_lease()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        for (var hours = 0; hours < 23; hours++) await model.AdvanceAsync(TimeSpan.FromHours(1));
        etcd.IsAvailable = true;
        await model.AdvanceUntilAsync(() => IsConfirmedAgain(events));
        Assert.Equal(held.Lease, events.Seen.OfType<LeaseEvent.Confirmed>().Last().Lease);
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);
        Assert.Single(events.Seen, e => e is LeaseEvent.Unavailable);
    }

    [Fact]
    public async Task A_node_that_is_cut_off_for_longer_reports_the_expiry_once_and_takes_its_lease_back()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        await CutOffUntilExpiredAsync(events);
        await model.AdvanceUntilAsync(() => IsConfirmedAgain(events));
        var back = events.Seen.OfType<LeaseEvent.Confirmed>().Last().Lease;
        Assert.Equal(held.Lease.Key, back.Key);
        Assert.True(back.CreateRevision > held.Lease.CreateRevision);
        Assert.Single(events.Seen, e => e is LeaseEvent.Expired);
    }

    [Theory]
    [InlineData("10.24.0.0/16", "10.24.5.0/24", "10.24.5.0-24&fc00::-64")]
    [InlineData("10.24.0.0/16", "10.24.5.0/24", "10.24.4.0-22")]
    [InlineData("10.24.0.0/16", "10.24.5.0/24", "10.24.4.9-22")]
    [InlineData("10.24.0.0/16", "10.24.5.0/24", "10.0.0.0-8")]
    [InlineData("10.24.0.0/16", "10.24.5.0/24", "10.24.5.128-25")]
    [InlineData("10.0.0.0/7", "10.128.0.0/9", "10.130.0.0-16")]
    [InlineData("10.24.0.0/15", "10.24.128.0/17", "10.24.130.0-24")]
    [InlineData("10.24.0.0/16", "10.24.5.128/25", "10.24.5.192-26")]
    public async Task An_expired_lease_that_another_one_overlaps_is_lost(string network, string subnet, string other)
    {
        await fixture.PublishConfigAsync($$"""{"Network":"{{network}}","SubnetLen":{{subnet.Split('/')[1]}}}""");
        var held = await fixture.AcquireAsync("192.168.0.1", subnet);
        Assert.Equal(subnet, held.Lease.Subnet.ToString());
        await using var events = await fixture.HoldAsync(held);
        await CutOffUntilExpiredAsync(events);
        await fixture.PutLeaseAsync(other, """{"PublicIP":"192.168.0.9"}""");
        await model.AdvanceUntilAsync(() => events.Seen[^1] is LeaseEvent.Lost);
        Assert.Equal(LeaseLoss.Taken, events.Seen.OfType<LeaseEvent.Lost>().Single().Loss);
        Assert.DoesNotContain(await fixture.LeasesAsync(), lease => lease.Attributes.PublicIp == Ipv4Address.Parse("192.168.0.1"));
    }

    [Fact]
    public async Task An_expired_lease_that_does_not_fit_a_new_configuration_is_lost()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        await CutOffUntilExpiredAsync(events);
        await fixture.PublishConfigAsync("""{"Network":"10.99.0.0/16"}""");
        await model.AdvanceUntilAsync(() => events.Seen[^1] is LeaseEvent.Lost);
        Assert.Equal(LeaseLoss.Unfit, events.Seen.OfType<LeaseEvent.Lost>().Single().Loss);
    }

    [Fact]
    public async Task A_lease_that_was_deleted_while_the_node_was_cut_off_is_lost()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        fixture.Etcd.CutOff(breaksWatches: true);
        await fixture.DeleteAsync(fixture.Keys.Subnets + held.Lease.Key);
        await model.AdvanceUntilAsync(() => events.Seen.OfType<LeaseEvent.Unavailable>().Any());
        fixture.Etcd.Reconnect();
        await model.AdvanceUntilAsync(() => events.Seen[^1] is LeaseEvent.Lost);
        Assert.Equal(LeaseLoss.Deleted, events.Seen.OfType<LeaseEvent.Lost>().Single().Loss);
    }

    [Fact]
    public async Task A_lease_that_a_restored_etcd_does_not_have_is_taken_back()
    {
        await fixture.PublishConfigAsync();
        var restore = etcd.Snapshot();
        var held = await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
        await using var events = await fixture.HoldAsync(held);
        restore();
        await model.AdvanceUntilAsync(() => IsConfirmedAgain(events));
        Assert.Equal(held.Lease.Key, Assert.Single(await fixture.LeasesAsync()).Key);
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Lost);
    }

    [Fact]
    public async Task A_lease_is_held_across_a_compaction_of_the_history()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        etcd.Compact();
        etcd.IsAvailable = true;
        await model.AdvanceUntilAsync(() => IsConfirmedAgain(events));
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Lost);
    }

    [Fact]
    public async Task Few_requests_are_sent_while_etcd_is_unavailable()
    {
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held);
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        fixture.Etcd.ClearRequests();
        for (var i = 0; i < 10 * 60 * 4; i++) await model.AdvanceAsync(TimeSpan.FromMilliseconds(250));
        Assert.InRange(fixture.Etcd.Requests.Count, 60, 300);
    }

    [Fact]
    public async Task Only_a_renewal_that_never_ends_counts_as_a_hung_loop()
    {
        var loops = new LivenessMonitor(time);
        var held = await AcquireAsync();
        await using var events = await fixture.HoldAsync(held, loops: loops);
        for (var minutes = 0; minutes < 25 * 60; minutes += 5) await AdvanceAsync(TimeSpan.FromMinutes(5), loops);
        Assert.Contains("LeaseKeepAlive", fixture.Etcd.Requests);
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        for (var minutes = 0; minutes < 120; minutes++) await AdvanceAsync(TimeSpan.FromMinutes(1), loops);
        etcd.IsAvailable = true;
        await model.AdvanceUntilAsync(() => IsConfirmedAgain(events));

        var never = new TaskCompletionSource();
        fixture.Etcd.Before = name => name == "LeaseKeepAlive" ? never.Task : Task.CompletedTask;
        await model.AdvanceUntilAsync(() => loops.Hung is not null, TimeSpan.FromMinutes(5));
        Assert.StartsWith("the lease keeper is stuck: no progress for ", loops.Hung, StringComparison.Ordinal);
        never.SetResult();
        await model.AdvanceUntilAsync(() => loops.Hung is null);
    }

    private async Task<HeldLease> AcquireAsync()
    {
        await fixture.PublishConfigAsync();
        return await fixture.AcquireAsync("192.168.0.1", "10.24.5.0/24");
    }

    private static bool IsConfirmedAgain(KeeperEvents events) => events.Seen.OfType<LeaseEvent.Confirmed>().Count() == 2;

    private async Task CutOffUntilExpiredAsync(KeeperEvents events)
    {
        etcd.IsAvailable = false;
        await events.NextAsync<LeaseEvent.Unavailable>();
        await model.AdvanceUntilAsync(() => events.Seen.OfType<LeaseEvent.Expired>().Any(), LongStep);
        etcd.IsAvailable = true;
    }

    /// <summary>Advances the time by more than the keeper's longest wait, and returns when the keeper has woken up, however late that is on
    /// a busy machine.</summary>
    private async Task AdvanceAsync(TimeSpan step, LivenessMonitor loops)
    {
        await model.AdvanceAsync(step);
        await Eventually.IsAsync("the keeper has woken up", () => loops.Hung is null);
    }
}
