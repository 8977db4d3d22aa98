using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>Nothing spins: whatever etcd answers, for however long, each part asks no more than now and then.</summary>
public sealed class RequestRateTests
{
    private const int Minutes = 2;

    private readonly FakeTimeProvider time = new();
    private readonly ModelEtcd model;
    private readonly World world;

    public RequestRateTests()
    {
        model = new ModelEtcd(time);
        world = new World(model, "/coreos.com/network", time: time);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What goes wrong, in the words of the test's name: before a request of some kind, or after it was carried out.</summary>
    public static TheoryData<string> Troubles =>
        ["nobody answers", "answers are lost", "no rights", "the disk is full", "too many requests", "watches are refused", "watches break when they open",
         "history is always compacted", "etcd's leases are gone"];

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_node_that_keeps_its_lease(string trouble)
    {
        await world.PublishConfigAsync();
        var held = await world.AcquireAsync("192.168.0.1");
        await using var events = new Events(world.Keeper(held, margin: TimeSpan.FromHours(23.98)));
        await events.NextAsync<LeaseEvent.Confirmed>();
        // A renewal comes due while it lasts.
        await BoundAsync(trouble, perMinute: 40, _ => Task.CompletedTask);
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_watcher_of_all_leases(string trouble)
    {
        await world.PublishConfigAsync();
        var follower = new LeaseWatcher(world.Context with { Time = time });
        await BoundAsync(trouble, perMinute: 40, follower.RunAsync);
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task A_candidate_for_route_controller(string trouble)
    {
        await world.PutAsync(world.Keys.Controller.ToStringUtf8(), """{"InstanceId":"i-9","PublicIp":"192.168.0.9"}""");
        var election = new EtcdElection(world.Context with { Time = time }, new ControllerHolder("i-1", "192.168.0.1"));
        await BoundAsync(trouble, perMinute: 40, election.CampaignAsync);
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public Task A_node_that_waits_for_a_configuration(string trouble) =>
        BoundAsync(trouble, perMinute: 130, stop => world.Manager.WaitForConfigAsync(new ConfigRequest(_ => { }), null, stop));

    private async Task BoundAsync(string trouble, int perMinute, Func<CancellationToken, Task> run)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var running = run(stop.Token);
        await SettleAsync();
        Begin(trouble);
        // What was open breaks, as it would.
        model.Reachable = false;
        await SettleAsync();
        model.Reachable = true;
        world.Etcd.Forget();
        for (var second = 0; second < Minutes * 60; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await SettleAsync();
        }

        // The first seconds are quicker.
        Assert.InRange(world.Etcd.Requests.Count, trouble == "etcd's leases are gone" ? 0 : 1, Minutes * perMinute + 10);
        Assert.InRange(world.Logger.Lines.Count(line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), 0, 4);
        await stop.CancelAsync();
        world.Etcd.FailBefore = world.Etcd.FailAfter = _ => null;
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Begin(string trouble)
    {
        var (before, after) = trouble switch
        {
            "nobody answers" => (All(EtcdErrorKind.Unavailable), None),
            "answers are lost" => (None, All(EtcdErrorKind.TimedOut)),
            "no rights" => (All(EtcdErrorKind.PermissionDenied), None),
            "the disk is full" => (Some(EtcdErrorKind.NoSpace, "LeaseGrant", "LeaseKeepAlive", "Watch"), None),
            "too many requests" => (All(EtcdErrorKind.TooManyRequests), None),
            "watches are refused" => (Some(EtcdErrorKind.Unavailable, "Watch"), None),
            "watches break when they open" => (None, Some(EtcdErrorKind.Unavailable, "Watch")),
            "history is always compacted" => (Some(EtcdErrorKind.Compacted, "Watch"), None),
            _ => (Some(EtcdErrorKind.LeaseNotFound, "LeaseGrant", "LeaseKeepAlive"), None),
        };
        (world.Etcd.FailBefore, world.Etcd.FailAfter) = (before, after);
    }

    private static Func<string, EtcdException?> None { get; } = _ => null;

    private static Func<string, EtcdException?> All(EtcdErrorKind kind) => name => new EtcdException(kind, $"{kind} for {name}", mayHaveHappened: false);

    private static Func<string, EtcdException?> Some(EtcdErrorKind kind, params string[] names) => name => names.Contains(name) ? All(kind)(name) : null;

    private static async Task SettleAsync()
    {
        for (var i = 0; i < 5; i++) await Task.Yield();
        await Task.Delay(1, Cancel);
    }
}
