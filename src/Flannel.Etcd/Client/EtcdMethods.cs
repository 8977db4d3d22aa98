using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>The methods of etcd's API that are called (etcd's <c>rpc.proto</c>).</summary>
/// <remarks>The clients that dotnet-etcd generates describe every method of a service and wrap each call twice in an interceptor. The types
/// of these wrappers are built at run time, at the first call of each method (ADR 11).</remarks>
internal static class EtcdMethods
{
    private const string KeyValue = "etcdserverpb.KV";
    private const string Leasing = "etcdserverpb.Lease";

    public static readonly Method<RangeRequest, RangeResponse> Range =
        Create<RangeRequest, RangeResponse>(MethodType.Unary, KeyValue, nameof(Range), RangeResponse.Parser);

    public static readonly Method<TxnRequest, TxnResponse> Txn =
        Create<TxnRequest, TxnResponse>(MethodType.Unary, KeyValue, nameof(Txn), TxnResponse.Parser);

    public static readonly Method<LeaseGrantRequest, LeaseGrantResponse> LeaseGrant =
        Create<LeaseGrantRequest, LeaseGrantResponse>(MethodType.Unary, Leasing, nameof(LeaseGrant), LeaseGrantResponse.Parser);

    public static readonly Method<LeaseRevokeRequest, LeaseRevokeResponse> LeaseRevoke =
        Create<LeaseRevokeRequest, LeaseRevokeResponse>(MethodType.Unary, Leasing, nameof(LeaseRevoke), LeaseRevokeResponse.Parser);

    public static readonly Method<LeaseKeepAliveRequest, LeaseKeepAliveResponse> LeaseKeepAlive =
        Create<LeaseKeepAliveRequest, LeaseKeepAliveResponse>(
            MethodType.DuplexStreaming, Leasing, nameof(LeaseKeepAlive), LeaseKeepAliveResponse.Parser);

    public static readonly Method<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse> LeaseTimeToLive =
        Create<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
            MethodType.Unary, Leasing, nameof(LeaseTimeToLive), LeaseTimeToLiveResponse.Parser);

    public static readonly Method<WatchRequest, WatchResponse> Watch =
        Create<WatchRequest, WatchResponse>(MethodType.DuplexStreaming, "etcdserverpb.Watch", nameof(Watch), WatchResponse.Parser);

    public static readonly Method<StatusRequest, StatusResponse> Status =
        Create<StatusRequest, StatusResponse>(MethodType.Unary, "etcdserverpb.Maintenance", nameof(Status), StatusResponse.Parser);

    public static readonly Method<AuthenticateRequest, AuthenticateResponse> Authenticate =
        Create<AuthenticateRequest, AuthenticateResponse>(
            MethodType.Unary, "etcdserverpb.Auth", nameof(Authenticate), AuthenticateResponse.Parser);

    private static Method<TRequest, TResponse> Create<TRequest, TResponse>(
        MethodType type, string service, string name, MessageParser<TResponse> parser)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new(
            type, service, name,
            Marshallers.Create<TRequest>(Write, static _ => throw new NotSupportedException("a client reads no request")),
            Marshallers.Create<TResponse>(Write, context => parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    private static void Write(IMessage message, SerializationContext context)
    {
        context.SetPayloadLength(message.CalculateSize());
        message.WriteTo(context.GetBufferWriter());
        context.Complete();
    }
}
