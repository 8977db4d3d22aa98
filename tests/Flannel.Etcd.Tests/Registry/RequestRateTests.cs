using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Registry;

/// <summary>No part sends many requests, whatever failure etcd has and however long it lasts.</summary>
public sealed class RequestRateTests
{
    private const int Minutes = 2;

    private readonly ModelRegistry model = new();
    private readonly RegistryFixture fixture;

    public RequestRateTests() => fixture = model.Fixture;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The failures: before a request of some kind, or after it was executed.</summary>
    public static TheoryData<string> Failures =>
        ["no response", "responses are lost", "no permission", "the disk is full", "too many requests", "watches are rejected",
            "watches break when they open",
         "history is always compacted", "etcd leases do not exist"];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_node_that_holds_its_lease_sends_few_requests(string failure)
    {
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = await fixture.HoldAsync(held, margin: TimeSpan.FromHours(23.98));
        // A renewal becomes due during the failure.
        await BoundAsync(failure, perMinute: 40, _ => Task.CompletedTask);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_watcher_of_all_leases_sends_few_requests(string failure)
    {
        await fixture.PublishConfigAsync();
        var watcher = new LeaseWatcher(fixture.Context);
        await BoundAsync(failure, perMinute: 40, watcher.RunAsync);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_candidate_for_route_controller_sends_few_requests(string failure)
    {
        await fixture.PutAsync(fixture.Keys.Controller.ToStringUtf8(), """{"InstanceId":"i-9","PublicIp":"192.168.0.9"}""");
        await BoundAsync(failure, perMinute: 40, fixture.NewElection().CampaignAsync);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public Task A_node_that_waits_for_a_configuration_sends_few_requests(string failure) =>
        BoundAsync(failure, perMinute: 130, stop => fixture.Manager.WaitForConfigAsync(new ConfigRequest(_ => { }), null, stop));

    private async Task BoundAsync(string failure, int perMinute, Func<CancellationToken, Task> run)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var running = run(stop.Token);
        await SettleAsync();
        Begin(failure);
        // Breaks the open watches.
        model.Etcd.IsAvailable = false;
        await SettleAsync();
        model.Etcd.IsAvailable = true;
        fixture.Etcd.ClearRequests();
        for (var second = 0; second < Minutes * 60; second++)
        {
            model.Time.Advance(TimeSpan.FromSeconds(1));
            await SettleAsync();
        }

        // Ten more at the beginning, while the pauses are short.
        Assert.InRange(fixture.Etcd.Requests.Count, failure == "etcd leases do not exist" ? 0 : 1, Minutes * perMinute + 10);
        Assert.InRange(fixture.Logger.Lines.Count(line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), 0, 4);
        await stop.CancelAsync();
        fixture.Etcd.Reconnect();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Begin(string failure)
    {
        var (before, after) = failure switch
        {
            "no response" => (All(EtcdErrorKind.Unavailable), None),
            "responses are lost" => (None, All(EtcdErrorKind.TimedOut)),
            "no permission" => (All(EtcdErrorKind.PermissionDenied), None),
            "the disk is full" => (Some(EtcdErrorKind.NoSpace, "LeaseGrant", "LeaseKeepAlive", "Watch"), None),
            "too many requests" => (All(EtcdErrorKind.TooManyRequests), None),
            "watches are rejected" => (Some(EtcdErrorKind.Unavailable, "Watch"), None),
            "watches break when they open" => (None, Some(EtcdErrorKind.Unavailable, "Watch")),
            "history is always compacted" => (Some(EtcdErrorKind.Compacted, "Watch"), None),
            _ => (Some(EtcdErrorKind.LeaseNotFound, "LeaseGrant", "LeaseKeepAlive"), None),
        };
        (fixture.Etcd.FailBefore, fixture.Etcd.FailAfter) = (before, after);
    }

    private static Func<string, EtcdException?> None { get; } = _ => null;

    private static Func<string, EtcdException?> All(EtcdErrorKind kind) =>
        name => new EtcdException(kind, $"{kind} for {name}", mayHaveHappened: false);

    private static Func<string, EtcdException?> Some(EtcdErrorKind kind, params string[] names) =>
        name => names.Contains(name) ? All(kind)(name) : null;

    private static async Task SettleAsync()
    {
        for (var i = 0; i < 5; i++) await Task.Yield();
        await Task.Delay(1, Cancel);
    }
}
