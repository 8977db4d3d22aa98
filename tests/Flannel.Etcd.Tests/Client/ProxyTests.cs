using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;

namespace Flannel.Etcd.Tests.Client;

/// <summary>Proxies between a node and etcd: etcd's own grpc-proxy, and gateways that close idle connections or streams.</summary>
public sealed class ProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Behind_a_grpc_proxy_events_are_assigned_to_their_range()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var proxy = await GrpcProxy.StartAsync(etcd);
        var fixture = new RegistryFixture(etcd.Connect(endpoints: proxy.Endpoint));
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var term = await fixture.CampaignAsync();
        await using var events = await fixture.HoldAsync(held);
        Assert.Equal("i-1", (await events.NextAsync<LeaseEvent.ControllerChanged>()).Holder!.InstanceId);

        var status = RegistryFixture.Status(held.Lease, RouteState.Pending);
        Assert.True((await term.Statuses.PublishAsync([new(held.Lease, status)], Cancel)).IsTermHeld);
        Assert.Equal(RouteState.Pending, (await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status!.State);
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":26}""");
        Assert.IsType<ConfigState.Present>((await events.NextAsync<LeaseEvent.ConfigChanged>()).Config);
        await fixture.PutAsync(fixture.Keys.Controller.ToStringUtf8(), """{"InstanceId":"i-9","PublicIp":"192.168.0.9"}""");
        Assert.Equal("i-9", (await events.NextAsync<LeaseEvent.ControllerChanged>()).Holder!.InstanceId);
        await fixture.PutLeaseAsync(held.Lease.Key.ToString(),
            """{"PublicIP":"192.168.0.1","BackendType":"vxlan","BackendData":{}}""", held.Lease.EtcdLeaseId);
        await fixture.PutAsync(fixture.Keys.Routes + held.Lease.Key, "invalid", held.Lease.EtcdLeaseId);
        Assert.Null((await events.NextAsync<LeaseEvent.RouteStatusChanged>()).Status);
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Lost or LeaseEvent.Unavailable);

        await fixture.DeleteAsync(fixture.Keys.Subnets + held.Lease.Key);
        Assert.Equal(LeaseLoss.Deleted, (await events.NextAsync<LeaseEvent.Lost>()).Loss);
    }

    [Fact]
    public async Task Behind_a_grpc_proxy_leases_are_watched_renewed_and_revoked_and_a_term_is_kept()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var proxy = await GrpcProxy.StartAsync(etcd);
        var fixture = new RegistryFixture(etcd.Connect(endpoints: proxy.Endpoint));
        await fixture.PublishConfigAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var watcher = new LeaseWatcher(fixture.Context);
        var watching = watcher.RunAsync(stop.Token);
        await using var term = await fixture.CampaignAsync();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(TimeSpan.FromSeconds(60)));
        // Due every second or two.
        await using var events = new KeeperEvents(fixture.Keeper(held, margin: TimeSpan.FromSeconds(58)));
        await Eventually.IsAsync("the lease is seen", async () => (await watcher.CurrentAsync(Cancel)).Leases.Count == 1);
        for (var renewals = 0; renewals < 3; renewals++) await events.NextAsync<LeaseEvent.Renewed>();
        await Eventually.IsAsync("the time of a term has passed", () => clock.Elapsed > EtcdElection.TermTime
            || term.Lost.IsCancellationRequested);
        Assert.True(await term.StillHeldAsync(Cancel), string.Join('\n', fixture.Logger.Lines));
        // Deleted and not revoked: if a renewal finds the etcd lease revoked before the watch does, the node takes the subnet back.
        await fixture.DeleteAsync(fixture.Keys.Subnets + held.Lease.Key);
        await events.NextAsync<LeaseEvent.Lost>();
        await Eventually.IsAsync("its end is seen", async () => (await watcher.CurrentAsync(Cancel)).Leases.Count == 0);
        Assert.Null(await fixture.Direct.LeaseKeepAliveOnceAsync(held.Lease.EtcdLeaseId, Cancel));
        await stop.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    /// <summary>A request for a progress notification would end the proxy of etcd 3.4, and every other node's stream with it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_silent_watch_is_probed_and_continues(bool byProxy)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var proxy = await GrpcProxy.StartAsync(etcd);
        var time = new ObservableTime();
        var fixture = new RegistryFixture(etcd.Connect());
        await using var watch = etcd.Connect(endpoints: byProxy ? proxy.Endpoint : etcd.Endpoint, time: time)
            .WatchAsync([new WatchCreateRequest { Key = fixture.Keys.Config }, new WatchCreateRequest { Key = fixture.Keys.Controller }],
                Cancel)
            .GetAsyncEnumerator(Cancel);
        await watch.MoveNextAsync();
        await watch.MoveNextAsync();
        for (var silences = 0; silences < 3; silences++)
        {
            var next = watch.MoveNextAsync().AsTask();
            for (var probes = 0; probes < 3; probes++)
            {
                var before = time.CountCreated(EtcdDurations.WatchSilence);
                time.Advance(EtcdDurations.WatchSilence);
                // The response to the probe begins another silence.
                await Eventually.IsAsync("the probe has a response", () => time.CountCreated(EtcdDurations.WatchSilence) > before);
            }

            Assert.False(next.IsCompleted, $"{next.Exception}");
            await fixture.PublishConfigAsync();
            Assert.True(await Eventually.WithinAsync("the event arrives", next));
            Assert.Equal(fixture.Keys.Config, Assert.Single(watch.Current.Events).Kv.Key);
        }

        Assert.True(proxy.IsRunning);
    }

    [Fact]
    public async Task A_silent_watch_breaks_if_its_probe_gets_no_response()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var time = new ObservableTime();
        await using var watch = etcd.Connect(time: time)
            .WatchAsync([new WatchCreateRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("/x") }],
                Cancel).GetAsyncEnumerator(Cancel);
        await watch.MoveNextAsync();
        var next = watch.MoveNextAsync().AsTask();
        await Eventually.IsAsync("the watch waits", () => time.CountCreated(EtcdDurations.WatchSilence) > 0);
        await etcd.SignalAsync("STOP");
        time.Advance(EtcdDurations.WatchSilence);
        await Eventually.IsAsync("the probe is sent", () => time.CountCreated(EtcdDurations.WatchProbe) > 0);
        time.Advance(EtcdDurations.WatchProbe);
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch breaks", next));
        Assert.Contains("the watch is silent", error.Message, StringComparison.Ordinal);
        await etcd.SignalAsync("CONT");
    }

    [Fact]
    public async Task A_gateway_that_cuts_idle_connections_costs_no_lease_and_no_event()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        // Shorter than the pings that keep a connection in use from being idle.
        await using var gateway = new TcpGateway(etcd.Endpoint, EtcdDurations.Ping / 4);
        await AssertNothingIsMissedAsync(etcd, gateway.Endpoint, () => gateway.Cut);
    }

    /// <summary>The error codes of RST_STREAM that proxies send: INTERNAL_ERROR and CANCEL.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public async Task A_gateway_that_resets_idle_streams_costs_no_lease_and_no_event(uint errorCode)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var gateway = new StreamGateway(etcd.Endpoint, TimeSpan.FromSeconds(1.5), errorCode);
        var operators = new RegistryFixture(etcd.Connect());
        await AssertNothingIsMissedAsync(etcd, gateway.Start(), () => gateway.Resets);
    }

    [Fact]
    public async Task Pings_keep_a_watch_open_that_a_gateway_would_cut_for_being_idle()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var gateway = new TcpGateway(etcd.Endpoint, EtcdDurations.Ping * 2);
        var direct = new RegistryFixture(etcd.Connect());
        await using var watch = etcd.Connect(endpoints: gateway.Endpoint)
            .WatchAsync([new WatchCreateRequest { Key = direct.Keys.Config }], Cancel).GetAsyncEnumerator(Cancel);
        await watch.MoveNextAsync();
        var next = watch.MoveNextAsync().AsTask();
        await Task.Delay(EtcdDurations.Ping * 3, Cancel);
        Assert.Equal(0, gateway.Cut);
        await direct.PublishConfigAsync();
        Assert.True(await Eventually.WithinAsync("the event arrives", next));
    }

    /// <summary>Changes the configuration after each of some failures that a gateway causes.</summary>
    /// <param name="countFailures">The number of connections or streams that the gateway has ended.</param>
    private static async Task AssertNothingIsMissedAsync(EtcdProcess etcd, string gateway, Func<int> countFailures)
    {
        var direct = new RegistryFixture(etcd.Connect());
        var fixture = new RegistryFixture(etcd.Connect(endpoints: gateway));
        await direct.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        await using var events = new KeeperEvents(fixture.Keeper(held));
        for (var length = 20; length < 25; length++)
        {
            var before = countFailures();
            await Eventually.IsAsync("a connection or a stream ends", () => countFailures() > before);
            await direct.PublishConfigAsync($$"""{"Network":"10.24.0.0/16","SubnetLen":{{length}}}""");
            var changed = await events.NextAsync<LeaseEvent.ConfigChanged>();
            Assert.Equal(length, Assert.IsType<ConfigState.Present>(changed.Config).Config.SubnetLength);
        }

        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Lost or LeaseEvent.Expired);
        Assert.Equal(held.Lease, events.Seen.OfType<LeaseEvent.Confirmed>().Last().Lease);
    }
}
