using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>etcd's errors by their text, as in etcd's own clients (<c>api/v3rpc/rpctypes/error.go</c>). gRPC's codes alone are ambiguous;
/// the texts are part of etcd's interface.</summary>
internal static class ServerErrors
{
    /// <summary>What an error means for the request.</summary>
    /// <param name="HadNoEffect">The request was rejected before it could have any effect.</param>
    /// <param name="MayWorkElsewhere">Another member may succeed.</param>
    /// <param name="IsTokenInvalid">A new token may help.</param>
    public sealed record ErrorClass(
        EtcdErrorKind Kind, bool HadNoEffect = true, bool MayWorkElsewhere = false, bool IsTokenInvalid = false);

    private const string StatusText = "rpc error: code = ";
    private const string StatusTextEnd = " desc = ";

    private static readonly ErrorClass TimedOut = new(EtcdErrorKind.TimedOut, HadNoEffect: false, MayWorkElsewhere: true);

    private static readonly Dictionary<string, ErrorClass> Known = new(StringComparer.Ordinal)
    {
        ["etcdserver: mvcc: required revision has been compacted"] = new(EtcdErrorKind.Compacted),
        ["etcdserver: mvcc: required revision is a future revision"] = new(EtcdErrorKind.Compacted),
        ["etcdserver: mvcc: database space exceeded"] = new(EtcdErrorKind.NoSpace),
        ["etcdserver: requested lease not found"] = new(EtcdErrorKind.LeaseNotFound),
        ["etcdserver: too many requests"] = new(EtcdErrorKind.TooManyRequests, MayWorkElsewhere: true),
        ["etcdserver: request is too large"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: too many operations in txn request"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: too large lease TTL"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: user name is empty"] = new(EtcdErrorKind.Unauthenticated, IsTokenInvalid: true),
        ["etcdserver: authentication failed, invalid user ID or password"] = new(EtcdErrorKind.Unauthenticated),
        ["etcdserver: invalid auth token"] = new(EtcdErrorKind.Unauthenticated, IsTokenInvalid: true),
        ["etcdserver: revision of auth store is old"] = new(EtcdErrorKind.Unauthenticated, IsTokenInvalid: true),
        ["etcdserver: invalid auth management"] = new(EtcdErrorKind.Unauthenticated),
        ["etcdserver: permission denied"] = new(EtcdErrorKind.PermissionDenied),
        ["etcdserver: no leader"] = new(EtcdErrorKind.Unavailable, MayWorkElsewhere: true),
        ["etcdserver: not capable"] = new(EtcdErrorKind.Unavailable, MayWorkElsewhere: true),
        ["etcdserver: rpc not supported for learner"] = new(EtcdErrorKind.Unavailable, MayWorkElsewhere: true),
        ["etcdserver: leader changed"] = new(EtcdErrorKind.Unavailable, HadNoEffect: false, MayWorkElsewhere: true),
        ["etcdserver: server stopped"] = new(EtcdErrorKind.Unavailable, HadNoEffect: false, MayWorkElsewhere: true),
        ["etcdserver: request timed out"] = TimedOut,
        ["etcdserver: request timed out, possibly due to previous leader failure"] = TimedOut,
        ["etcdserver: request timed out, possibly due to connection lost"] = TimedOut,
        ["etcdserver: unhealthy cluster"] = new(EtcdErrorKind.Unavailable, HadNoEffect: false, MayWorkElsewhere: true),
        ["etcdserver: corrupt cluster"] = new(EtcdErrorKind.Other, HadNoEffect: false, MayWorkElsewhere: true),
    };

    /// <param name="text">etcd's text. The cancel reason of a watch contains it in gRPC's form of an error.</param>
    public static ErrorClass Of(StatusCode code, string text)
    {
        if (Known.TryGetValue(WithoutGrpcPrefix(text), out var errorClass)) return errorClass;
        return code switch
        {
            StatusCode.Unavailable => new(EtcdErrorKind.Unavailable, HadNoEffect: false, MayWorkElsewhere: true),
            StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.Aborted => TimedOut,
            StatusCode.Unauthenticated => new(EtcdErrorKind.Unauthenticated, IsTokenInvalid: true),
            StatusCode.PermissionDenied => new(EtcdErrorKind.PermissionDenied),
            StatusCode.InvalidArgument or StatusCode.Unimplemented => new(EtcdErrorKind.Invalid),
            StatusCode.ResourceExhausted => new(EtcdErrorKind.TooManyRequests, HadNoEffect: false),
            // gRPC's own codes for a connection that breaks during a response.
            StatusCode.Internal or StatusCode.Unknown => new(EtcdErrorKind.Unavailable, HadNoEffect: false, MayWorkElsewhere: true),
            _ => new(EtcdErrorKind.Other, HadNoEffect: false),
        };
    }

    /// <summary>etcd's own text, without gRPC's prefix in <c>rpc error: code = PermissionDenied desc = etcdserver: permission
    /// denied</c>.</summary>
    public static string WithoutGrpcPrefix(string text)
    {
        if (!text.StartsWith(StatusText, StringComparison.Ordinal)) return text;
        var end = text.IndexOf(StatusTextEnd, StringComparison.Ordinal);
        return end < 0 ? text : text[(end + StatusTextEnd.Length)..];
    }
}
