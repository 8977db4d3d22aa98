using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Etcdserverpb;
using Flannel.AliCloud.Tests.Support;
using Flannel.Etcd.Client;
using Flannel.Etcd.Tests.Fixtures;
using Flannel.Testbed;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Etcd.Tests.Client;

public sealed class EtcdConnectionTests(SharedEtcd shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static RangeRequest Read { get; } = new() { Key = ByteString.CopyFromUtf8("/x") };

    [Fact]
    public async Task After_a_refused_connection_the_next_request_begins_with_another_endpoint()
    {
        var logger = new RecordingLogger();
        shared.CreateFixture();
        var etcd = shared.Process.Connect(logger, $"http://127.0.0.1:{Ports.Free()},{shared.Process.Endpoint}");
        await etcd.RangeAsync(Read, Cancel);
        await etcd.RangeAsync(Read, Cancel);
        Assert.Equal(1, logger.Count(2002));
        Assert.Equal(0, logger.Count(2000));
    }

    [Fact]
    public async Task An_advice_ends_the_error_when_no_member_is_available()
    {
        var endpoint = $"http://127.0.0.1:{Ports.Free()}";
        var logger = new RecordingLogger();
        var options = EtcdOptions.Create(endpoint).Value with { Advice = "set the endpoints" };
        using var etcd = new EtcdConnection(options, TimeProvider.System, new EtcdProcess.FirstEndpoint(), logger);
        var error = await Assert.ThrowsAsync<EtcdException>(() => etcd.RangeAsync(Read, Cancel));
        Assert.EndsWith(": connection refused; set the endpoints", error.Message, StringComparison.Ordinal);
        Assert.Contains(logger.Lines, line => line.Text.EndsWith("; set the endpoints; retrying", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_request_to_a_member_is_reported_with_its_status()
    {
        shared.CreateFixture();
        var observer = new RecordingObserver();
        var options = EtcdOptions.Create($"http://127.0.0.1:{Ports.Free()},{shared.Process.Endpoint}").Value;
        using var etcd = new EtcdConnection(
            options, TimeProvider.System, new EtcdProcess.FirstEndpoint(), NullLogger.Instance, observer);
        await etcd.RangeAsync(Read, Cancel);
        await etcd.LeaseRevokeAsync(Random.Shared.NextInt64(1, long.MaxValue), Cancel);
        Assert.Equal(["Range Unavailable", "Range OK", "LeaseRevoke NotFound"], observer.Requests);
        Assert.Equal(0, observer.Interruptions);
    }

    [Fact]
    public async Task A_write_that_was_not_sent_is_tried_at_the_next_endpoint()
    {
        shared.CreateFixture();
        var etcd = shared.Process.Connect(endpoints: $"http://127.0.0.1:{Ports.Free()},{shared.Process.Endpoint}");
        await etcd.LeaseGrantAsync(Random.Shared.NextInt64(1, long.MaxValue), TimeSpan.FromSeconds(60), Cancel);
    }

    [Fact]
    public async Task An_endpoint_that_drops_packets_costs_the_connect_time_once()
    {
        shared.CreateFixture();
        using var full = new Socket(SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        // Connections are not accepted: when the queue is full, further ones hang, as if the machine were off.
        using var a = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await a.ConnectAsync(full.LocalEndPoint!, Cancel);
        using var b = new Socket(SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        var filling = b.ConnectAsync(full.LocalEndPoint!, Cancel).AsTask();
        var logger = new RecordingLogger();
        var etcd = shared.Process.Connect(logger, $"http://127.0.0.1:{((IPEndPoint)full.LocalEndPoint!).Port},{shared.Process.Endpoint}");
        var clock = Stopwatch.StartNew();
        await etcd.RangeAsync(Read, Cancel);
        await etcd.RangeAsync(Read, Cancel);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"{clock.Elapsed}");
        Assert.Equal(1, logger.Count(2002));
        Assert.Contains("no connection within 3 s", logger.Lines[0].Text, StringComparison.Ordinal);
        b.Dispose();
        await ((Task)filling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task A_name_whose_first_addresses_are_unavailable_is_connected_at_the_next()
    {
        shared.CreateFixture();
        // Nothing listens at the first; the second accepts connections and sends nothing.
        using var hanging = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var port = new Uri(shared.Process.Endpoint).Port;
        hanging.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.3"), port));
        hanging.Listen(0);
        using var filler = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await filler.ConnectAsync(hanging.LocalEndPoint!, Cancel);
        var etcd = shared.Process.Connect(
            endpoints: $"http://etcd.example:{port}",
            resolve: (_, _) =>
                Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.3"), IPAddress.Loopback]));
        await etcd.RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_is_reported()
    {
        await using var server = await EtcdProcess.StartAsync();
        var unknown = server.Connect(
            endpoints: "http://etcd.example:2379",
            resolve: (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));
        Assert.Contains("etcd.example:2379: the name etcd.example does not resolve: no such host",
            await FailAsync(unknown), StringComparison.Ordinal);
        var silent = server.Connect(
            endpoints: "http://etcd.example:2379", resolve: (_, _) => new TaskCompletionSource<IPAddress[]>().Task);
        Assert.Contains(
            "the name etcd.example does not resolve: no answer from the name service within 3 s",
            await FailAsync(silent), StringComparison.Ordinal);

        static async Task<string> FailAsync(IEtcd etcd)
        {
            var error = await Assert.ThrowsAsync<EtcdException>(() => etcd.RangeAsync(Read, Cancel));
            Assert.Equal(EtcdErrorKind.Unavailable, error.Kind);
            Assert.False(error.MayHaveHappened);
            return error.Message;
        }
    }

    [Fact]
    public async Task An_unavailable_etcd_is_logged_once_and_its_recovery_once()
    {
        await using var server = await EtcdProcess.StartAsync();
        await server.KillAsync();
        var logger = new RecordingLogger();
        var etcd = server.Connect(logger);
        for (var i = 0; i < 3; i++)
        {
            var error = await Assert.ThrowsAsync<EtcdException>(() => etcd.RangeAsync(Read, Cancel));
            Assert.Equal(EtcdErrorKind.Unavailable, error.Kind);
            Assert.False(error.MayHaveHappened);
            Assert.Contains("connection refused", error.Message, StringComparison.Ordinal);
        }

        await server.StartAgainAsync();
        await etcd.RangeAsync(Read, Cancel);
        Assert.Equal(1, logger.Count(2000));
        Assert.Equal(1, logger.Count(2001));
    }

    [Fact]
    public async Task Reads_leave_a_hung_member_and_a_write_to_it_may_have_happened()
    {
        await using var hung = await EtcdProcess.StartAsync();
        shared.CreateFixture();
        var etcd = shared.Process.Connect(endpoints: $"{hung.Endpoint},{shared.Process.Endpoint}");
        await etcd.RangeAsync(Read, Cancel);
        await hung.SignalAsync("STOP");
        var put = new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = Read.Key } } } };
        var error = await Assert.ThrowsAsync<EtcdException>(() => etcd.TxnAsync(put, Cancel));
        Assert.True(error.MayHaveHappened);
        Assert.Equal(EtcdErrorKind.TimedOut, error.Kind);
        await etcd.TxnAsync(put, Cancel);
        await hung.SignalAsync("CONT");
    }

    [Fact]
    public async Task A_watch_on_a_member_that_hangs_breaks_within_seconds()
    {
        await using var hung = await EtcdProcess.StartAsync();
        var etcd = hung.Connect();
        var clock = new Stopwatch();
        var watching = Task.Run(
            async () =>
            {
                await foreach (var response in etcd.WatchAsync([new WatchCreateRequest { Key = Read.Key }], Cancel))
                {
                    if (!response.Created) continue;
                    await hung.SignalAsync("STOP");
                    clock.Start();
                }
            },
            Cancel);
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch breaks", watching));
        // Pings are checked once a second, and a busy machine is late. The probe of a silent watch would take more than 50 s.
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(1), EtcdDurations.Ping + EtcdDurations.PingTimeout + TimeSpan.FromSeconds(10));
        Assert.Equal(EtcdErrorKind.Unavailable, error.Kind);
        await hung.SignalAsync("CONT");
    }

    [Fact]
    public async Task A_renewal_of_an_unknown_lease_returns_null_and_its_revocation_succeeds()
    {
        shared.CreateFixture();
        var etcd = shared.Process.Connect();
        Assert.Null(await etcd.LeaseKeepAliveOnceAsync(4711, Cancel));
        await etcd.LeaseRevokeAsync(4711, Cancel);
        var attached = new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = Read.Key, Lease = 4711 } } } };
        Assert.Equal(EtcdErrorKind.LeaseNotFound, (await Assert.ThrowsAsync<EtcdException>(() => etcd.TxnAsync(attached, Cancel))).Kind);
    }

    [Fact]
    public async Task A_full_database_rejects_writes_with_its_own_error_and_allows_reads()
    {
        await using var server = await EtcdProcess.StartAsync("http", "--quota-backend-bytes=65536");
        var etcd = server.Connect();
        var put = new TxnRequest
        {
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Read.Key, Value = ByteString.CopyFrom(new byte[50_000]) } } },
        };
        EtcdException? error = null;
        await Eventually.IsAsync("the database is full", async () =>
        {
            try
            {
                await etcd.TxnAsync(put, Cancel);
                return false;
            }
            catch (EtcdException e)
            {
                error = e;
                return true;
            }
        });
        Assert.Equal(EtcdErrorKind.NoSpace, error!.Kind);
        Assert.True(error.CanRecover);
        Assert.False(error.MayHaveHappened);
        await etcd.RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task A_compacted_revision_is_an_error_of_reads_and_watches()
    {
        await using var server = await EtcdProcess.StartAsync();
        var fixture = new RegistryFixture(server.Connect(), "/x");
        await fixture.PublishConfigAsync();
        await fixture.PublishConfigAsync();
        await fixture.CompactAsync(server);
        var old = new RangeRequest { Key = Read.Key, Revision = 1 };
        Assert.Equal(EtcdErrorKind.Compacted, (await Assert.ThrowsAsync<EtcdException>(() => fixture.Direct.RangeAsync(old, Cancel))).Kind);
        var error = await Assert.ThrowsAsync<EtcdException>(async () =>
        {
            await foreach (var _ in fixture.Direct.WatchAsync([new WatchCreateRequest { Key = Read.Key, StartRevision = 1 }], Cancel))
            {
                // Ends with the exception.
            }
        });
        Assert.Equal(EtcdErrorKind.Compacted, error.Kind);
    }

    [Fact]
    public async Task The_callers_cancellation_is_not_a_failure_of_etcd()
    {
        shared.CreateFixture();
        var etcd = shared.Process.Connect();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var watching = Task.Run(
            async () =>
            {
                await foreach (var response in etcd.WatchAsync([new WatchCreateRequest { Key = Read.Key }], stop.Token))
                {
                    if (response.Created) await stop.CancelAsync();
                }
            },
            Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.WithinAsync("the watch ends", watching));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => etcd.RangeAsync(Read, stop.Token));
    }
}
