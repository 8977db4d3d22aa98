using System.Globalization;
using System.Net.Sockets;
using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Grpc.Core;
using Grpc.Net.Client;

namespace Flannel.Etcd.Client;

/// <summary>One endpoint: a channel of its own, opened by the first request on it, and the protocol's generated stubs over it.</summary>
internal sealed class Member : IDisposable
{
    // A page of leases is about 3 MB; an answer beyond this is not flannel's.
    private const int LongestAnswer = 64 << 20;

    private readonly Dialer dialer;
    private readonly Lazy<GrpcChannel> channel;
    private readonly Lazy<KV.KVClient> keys;
    private readonly Lazy<Etcdserverpb.Lease.LeaseClient> leases;
    private readonly Lazy<Watch.WatchClient> watches;
    private readonly Lazy<Maintenance.MaintenanceClient> maintenance;
    private readonly Lazy<Auth.AuthClient> auth;

    public Member(Uri endpoint, TlsFiles files, EtcdOptions options, TimeProvider time)
    {
        Name = endpoint.GetLeftPart(UriPartial.Authority);
        dialer = new Dialer(endpoint, files, options, time);
        channel = new Lazy<GrpcChannel>(() => GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = (_, cancellation) => dialer.ConnectAsync(cancellation),
                ConnectTimeout = Timeout.InfiniteTimeSpan,
                KeepAlivePingDelay = EtcdDurations.Ping,
                KeepAlivePingTimeout = EtcdDurations.PingAnswer,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                ActivityHeadersPropagator = null,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = LongestAnswer,
            MaxRetryAttempts = 1,
        }));
        keys = new(() => new KV.KVClient(channel.Value));
        leases = new(() => new Etcdserverpb.Lease.LeaseClient(channel.Value));
        watches = new(() => new Watch.WatchClient(channel.Value));
        maintenance = new(() => new Maintenance.MaintenanceClient(channel.Value));
        auth = new(() => new Auth.AuthClient(channel.Value));
    }

    /// <summary>Scheme, host and port, for people.</summary>
    public string Name { get; }

    public KV.KVClient Keys => keys.Value;
    public Etcdserverpb.Lease.LeaseClient Leases => leases.Value;
    public Watch.WatchClient Watches => watches.Value;
    public Maintenance.MaintenanceClient Maintenance => maintenance.Value;
    public Auth.AuthClient Auth => auth.Value;

    /// <summary>What a failure on this member means. The caller's own cancellation stays what it is.</summary>
    /// <param name="limit">Our limit for the call if it has passed; else null.</param>
    public Failure Understand(Exception exception, TimeSpan? limit)
    {
        var rpc = exception as RpcException;
        if (EtcdConnectException.In(rpc?.Status.DebugException ?? exception) is { } connect)
            return new Failure(new EtcdException(connect.Kind, connect.Message, mayHaveHappened: false, exception), true, false);
        if (limit is { } passed)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{Name}: no answer within {passed.TotalSeconds} s");
            var late = new EtcdException(EtcdErrorKind.TimedOut, text, mayHaveHappened: true, exception);
            return new Failure(late, Elsewhere: true, StaleToken: false);
        }

        if (rpc is null)
            return new Failure(new EtcdException(EtcdErrorKind.Unavailable, $"{Name}: {exception.Message}", true, exception), true, false);
        if (rpc.Status.DebugException is { } broken)
        {
            var refusal = dialer.Refusal;
            var kind = refusal is null ? EtcdErrorKind.Unavailable : EtcdErrorKind.Tls;
            return new Failure(new EtcdException(kind, $"{Name}: {refusal ?? dialer.ClearTextRefusal ?? Deepest(broken)}", refusal is null, exception), true, false);
        }

        var reason = ServerErrors.Bare(rpc.Status.Detail);
        var meaning = ServerErrors.Of(rpc.StatusCode, reason);
        var error = new EtcdException(meaning.Kind, $"{Name}: {reason.ReplaceLineEndings(" ")}", !meaning.Harmless, exception);
        return new Failure(error, meaning.Elsewhere, meaning.StaleToken);
    }

    /// <summary>The most telling of the messages around a broken connection.</summary>
    private static string Deepest(Exception exception)
    {
        var telling = exception;
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is IOException or SocketException) telling = e;
        }

        return telling.Message.ReplaceLineEndings(" ");
    }

    public void Dispose()
    {
        if (channel.IsValueCreated) channel.Value.Dispose();
    }

    /// <param name="Error">For the caller, if nobody else can do better.</param>
    /// <param name="Elsewhere">Whether another member may do better.</param>
    /// <param name="StaleToken">Whether a new authentication may do better.</param>
    public sealed record Failure(EtcdException Error, bool Elsewhere, bool StaleToken);
}
