using Flannel.Etcd.Client;
using Flannel.Core.Routes;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Election;

/// <summary>One of the observers replaces a route controller that resigns without delay.</summary>
public sealed class StandbyTests
{
    // Shorter than the interval of renewals: the term must be held.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly ModelRegistry model = new();
    private int checks;

    private RegistryFixture Fixture => model.Fixture;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_standby_replaces_a_route_controller_that_resigns_while_no_time_passes()
    {
        var first = await Fixture.CampaignAsync("i-1");
        var observing = await ObserveAsync("i-2", mayControl: true);
        await model.AdvanceUntilAsync(async () => await StandbyAsync() == "i-2", Step);
        await first.DisposeAsync();
        Assert.True(await Eventually.WithinAsync("the standby returns", observing), "its permissions were checked");
    }

    [Fact]
    public async Task Only_one_of_many_observers_checks_its_permissions()
    {
        await using var first = await Fixture.CampaignAsync("i-1");
        for (var node = 2; node <= 9; node++) _ = await ObserveAsync($"i-{node}", mayControl: true);
        await model.AdvanceUntilAsync(async () => await StandbyAsync() is not null, TimeSpan.FromMilliseconds(500));
        for (var i = 0; i < 120; i++) await model.AdvanceAsync(Step);
        // Two that read the key at the same moment both find none.
        Assert.InRange(checks, 1, 2);
    }

    [Fact]
    public async Task A_node_without_the_permissions_does_not_become_the_standby_and_checks_them_again_after_minutes()
    {
        await using var first = await Fixture.CampaignAsync("i-1");
        _ = await ObserveAsync("i-2", mayControl: false);
        await model.AdvanceUntilAsync(() => checks == 1, Step);
        for (var i = 0; i < 240; i++) await model.AdvanceAsync(Step);
        Assert.Equal(1, checks);
        _ = await ObserveAsync("i-3", mayControl: true);
        await model.AdvanceUntilAsync(async () => await StandbyAsync() == "i-3", Step);
    }

    [Fact]
    public async Task After_an_election_another_observer_becomes_the_standby()
    {
        var first = await Fixture.CampaignAsync("i-1");
        var observing = await ObserveAsync("i-2", mayControl: true);
        await model.AdvanceUntilAsync(async () => await StandbyAsync() == "i-2", Step);
        _ = await ObserveAsync("i-3", mayControl: true);
        await first.DisposeAsync();
        await Eventually.WithinAsync("the standby returns", observing);
        await using var second = await Fixture.CampaignAsync("i-2");
        Assert.Null(await StandbyAsync());
        await model.AdvanceUntilAsync(async () => await StandbyAsync() == "i-3", Step);
    }

    [Fact]
    public async Task A_route_controller_without_a_standby_is_replaced_after_a_random_delay()
    {
        var first = await Fixture.CampaignAsync("i-1");
        // Its first numbers are not near zero: there is a delay.
        var context = Fixture.Context with { Random = new Random(1) };
        var observer = new EtcdElection(context, new ControllerHolder("i-2", "192.168.0.2"), () => null);
        var observing = observer.ObserveAsync(_ => Check(true), Cancel);
        await Eventually.IsAsync("it observes", () => Fixture.Logger.Count(2031) == 1);
        await first.DisposeAsync();
        await Task.Delay(TimeSpan.FromMilliseconds(300), Cancel);
        Assert.False(observing.IsCompleted, "no time has passed");
        await model.AdvanceUntilAsync(() => observing.IsCompleted);
        Assert.False(await observing, "its permissions are not checked yet");
    }

    /// <summary>Each check is two calls to the cloud, and the calls of all nodes count against the limits of the account.</summary>
    [Fact]
    public async Task A_node_whose_lease_cannot_hold_the_key_checks_no_permissions()
    {
        await using var first = await Fixture.CampaignAsync("i-1");
        var reservation = await Fixture.ReserveAsync();
        _ = Fixture.NewElection("i-2", held: () => reservation).ObserveAsync(_ => Check(true), Cancel);
        _ = Fixture.NewElection("i-3", held: () => null).ObserveAsync(_ => Check(true), Cancel);
        for (var i = 0; i < 240; i++) await model.AdvanceAsync(Step);
        Assert.Equal(0, checks);
        Assert.Null(await StandbyAsync());
    }

    [Theory]
    [InlineData(EtcdErrorKind.PermissionDenied)]
    [InlineData(EtcdErrorKind.NoSpace)]
    public async Task A_node_that_cannot_write_the_key_checks_its_permissions_again_after_minutes(EtcdErrorKind kind)
    {
        await using var first = await Fixture.CampaignAsync("i-1");
        Fixture.Etcd.FailTxn = request => request.Success.Any(each => each.RequestPut?.Key.Equals(Fixture.Keys.Standby) == true)
            ? new EtcdException(kind, "rejected", mayHaveHappened: false)
            : null;
        _ = await ObserveAsync("i-2", mayControl: true);
        await model.AdvanceUntilAsync(() => checks == 1, Step);
        for (var i = 0; i < 240; i++) await model.AdvanceAsync(Step);
        Assert.Equal(1, checks);
    }

    [Fact]
    public async Task A_standby_whose_key_was_replaced_while_its_watch_was_broken_is_none_any_more()
    {
        // Without an etcd lease: on a loaded machine more time may pass than a term lasts before the code runs.
        var controller = Fixture.Keys.Controller.ToStringUtf8();
        await Fixture.PutAsync(controller, """{"InstanceId":"i-1","PublicIP":"192.168.0.1"}""");
        var observing = await ObserveAsync("i-2", mayControl: true);
        await model.AdvanceUntilAsync(async () => await StandbyAsync() == "i-2", Step);
        Fixture.Etcd.CutOff(breaksWatches: true);
        await Fixture.PutAsync(Fixture.Keys.Standby.ToStringUtf8(), """{"InstanceId":"i-3","PublicIP":"192.168.0.3"}""");
        for (var i = 0; i < 5; i++) await model.AdvanceAsync(Step);
        var reads = 0;
        Fixture.Etcd.RangeAnswered = request => reads += request.Key.Equals(Fixture.Keys.Standby) ? 1 : 0;
        Fixture.Etcd.Reconnect();
        await model.AdvanceUntilAsync(() => reads > 0, Step);
        for (var i = 0; i < 5; i++) await model.AdvanceAsync(Step);
        await Fixture.DeleteAsync(controller);
        await model.AdvanceUntilAsync(() => observing.IsCompleted);
        Assert.False(await observing, "another node is the standby");
        Assert.Equal(1, checks);
    }

    private async Task<Task<bool>> ObserveAsync(string instance, bool mayControl)
    {
        var number = instance["i-".Length..];
        var etcdLease = await Fixture.GrantAsync(TimeSpan.FromDays(1));
        await Fixture.PutLeaseAsync($"10.24.{number}.0-24", $$"""{"PublicIP":"192.168.0.{{number}}"}""", etcdLease);
        var lease = (await Fixture.LeasesAsync()).Single(each => each.EtcdLeaseId == etcdLease);
        return Fixture.NewElection(instance, held: () => lease).ObserveAsync(_ => Check(mayControl), Cancel);
    }

    private Task<bool> Check(bool mayControl)
    {
        checks++;
        return Task.FromResult(mayControl);
    }

    private async Task<string?> StandbyAsync() => await Fixture.GetAsync(Fixture.Keys.Standby.ToStringUtf8()) is { } pair
        ? System.Text.Json.JsonDocument.Parse(pair.Value.ToByteArray()).RootElement.GetProperty("InstanceId").GetString()
        : null;
}
