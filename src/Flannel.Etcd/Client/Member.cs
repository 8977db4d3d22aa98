using System.Globalization;
using System.Net.Sockets;
using Flannel.Core.Tls;
using Grpc.Core;
using Grpc.Net.Client;

namespace Flannel.Etcd.Client;

/// <summary>One endpoint: its own channel, which the first request opens. Thread-safe.</summary>
internal sealed class Member : IDisposable
{
    // A page of leases has about 3 MB.
    private const int MaxResponseBytes = 64 << 20;

    private readonly Dialer dialer;
    private readonly Lazy<GrpcChannel> channel;
    private readonly Lazy<CallInvoker> invoker;

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
                KeepAlivePingTimeout = EtcdDurations.PingTimeout,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                ActivityHeadersPropagator = null,
            },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxResponseBytes,
            MaxRetryAttempts = 1,
            // The native executable has no zlib (eng/substitutions.xml): no response may be compressed.
            CompressionProviders = [],
        }));
        invoker = new(() => channel.Value.CreateCallInvoker());
    }

    /// <summary>Scheme, host and port, for messages.</summary>
    public string Name { get; }

    /// <summary>Sends a request. The caller disposes the call.</summary>
    public AsyncUnaryCall<TResponse> Call<TRequest, TResponse>(
        Method<TRequest, TResponse> method, TRequest request, CallOptions options)
        where TRequest : class
        where TResponse : class => invoker.Value.AsyncUnaryCall(method, null, options, request);

    /// <summary>Opens a stream of requests and responses. The caller disposes it.</summary>
    public AsyncDuplexStreamingCall<TRequest, TResponse> Open<TRequest, TResponse>(
        Method<TRequest, TResponse> method, CallOptions options)
        where TRequest : class
        where TResponse : class => invoker.Value.AsyncDuplexStreamingCall(method, null, options);

    /// <summary>Classifies a failure of a request to this member, other than the caller's cancellation.</summary>
    /// <param name="limit">The time limit of the request if it has passed; otherwise null.</param>
    public MemberFailure Classify(Exception exception, TimeSpan? limit)
    {
        var rpc = exception as RpcException;
        if (EtcdConnectException.In(rpc?.Status.DebugException ?? exception) is { } connect)
            return Transport(connect.Kind, connect.Message, mayHaveHappened: false, exception);
        if (limit is { } passed)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{Name}: no response within {passed.TotalSeconds} s");
            return Transport(EtcdErrorKind.TimedOut, text, mayHaveHappened: true, exception);
        }

        if (rpc is null) return Transport(EtcdErrorKind.Unavailable, $"{Name}: {exception.Message}", mayHaveHappened: true, exception);
        if (rpc.Status.DebugException is { } broken)
        {
            if (dialer.Rejection is { } rejection)
                return Transport(EtcdErrorKind.Tls, $"{Name}: {rejection}", mayHaveHappened: false, exception);
            var reason = dialer.Mismatch ?? MostSpecific(broken);
            return Transport(EtcdErrorKind.Unavailable, $"{Name}: {reason}", mayHaveHappened: true, exception);
        }

        var detail = ServerErrors.WithoutGrpcPrefix(rpc.Status.Detail);
        var errorClass = ServerErrors.Of(rpc.StatusCode, detail);
        var error = new EtcdException(errorClass.Kind, $"{Name}: {detail.ReplaceLineEndings(" ")}", !errorClass.HadNoEffect, exception);
        return new MemberFailure(error, errorClass.MayWorkElsewhere, errorClass.IsTokenInvalid);
    }

    private static MemberFailure Transport(EtcdErrorKind kind, string message, bool mayHaveHappened, Exception cause) =>
        new(new EtcdException(kind, message, mayHaveHappened, cause), MayWorkElsewhere: true, IsTokenInvalid: false);

    /// <summary>The most specific of the nested messages of a broken connection.</summary>
    private static string MostSpecific(Exception exception)
    {
        var found = exception;
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is IOException or SocketException) found = e;
        }

        return found.Message.ReplaceLineEndings(" ");
    }

    public void Dispose()
    {
        if (channel.IsValueCreated) channel.Value.Dispose();
    }
}

/// <summary>A failure of a request to one member.</summary>
/// <param name="Error">For the caller, if no other member succeeds.</param>
/// <param name="MayWorkElsewhere">Another member may succeed.</param>
/// <param name="IsTokenInvalid">A new authentication may help.</param>
internal sealed record MemberFailure(EtcdException Error, bool MayWorkElsewhere, bool IsTokenInvalid);
