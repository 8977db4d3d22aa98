using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>etcd's errors by their whole text, as etcd's own clients know them (<c>api/v3rpc/rpctypes/error.go</c>): gRPC's codes alone are
/// ambiguous, the texts are part of etcd's interface.</summary>
internal static class ServerErrors
{
    /// <param name="Harmless">The request was refused before it could have any effect.</param>
    /// <param name="Elsewhere">Another member may answer better.</param>
    /// <param name="StaleToken">A new token heals it.</param>
    public sealed record Meaning(EtcdErrorKind Kind, bool Harmless = true, bool Elsewhere = false, bool StaleToken = false);

    private const string StatusText = "rpc error: code = ";
    private const string StatusTextEnd = " desc = ";

    private static readonly Meaning TimedOut = new(EtcdErrorKind.TimedOut, Harmless: false, Elsewhere: true);

    private static readonly Dictionary<string, Meaning> Known = new(StringComparer.Ordinal)
    {
        ["etcdserver: mvcc: required revision has been compacted"] = new(EtcdErrorKind.Compacted),
        ["etcdserver: mvcc: required revision is a future revision"] = new(EtcdErrorKind.Compacted),
        ["etcdserver: mvcc: database space exceeded"] = new(EtcdErrorKind.NoSpace),
        ["etcdserver: requested lease not found"] = new(EtcdErrorKind.LeaseNotFound),
        ["etcdserver: too many requests"] = new(EtcdErrorKind.TooManyRequests, Elsewhere: true),
        ["etcdserver: request is too large"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: too many operations in txn request"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: too large lease TTL"] = new(EtcdErrorKind.Invalid),
        ["etcdserver: user name is empty"] = new(EtcdErrorKind.Unauthenticated, StaleToken: true),
        ["etcdserver: authentication failed, invalid user ID or password"] = new(EtcdErrorKind.Unauthenticated),
        ["etcdserver: invalid auth token"] = new(EtcdErrorKind.Unauthenticated, StaleToken: true),
        ["etcdserver: revision of auth store is old"] = new(EtcdErrorKind.Unauthenticated, StaleToken: true),
        ["etcdserver: invalid auth management"] = new(EtcdErrorKind.Unauthenticated),
        ["etcdserver: permission denied"] = new(EtcdErrorKind.PermissionDenied),
        ["etcdserver: no leader"] = new(EtcdErrorKind.Unavailable, Elsewhere: true),
        ["etcdserver: not capable"] = new(EtcdErrorKind.Unavailable, Elsewhere: true),
        ["etcdserver: rpc not supported for learner"] = new(EtcdErrorKind.Unavailable, Elsewhere: true),
        ["etcdserver: leader changed"] = new(EtcdErrorKind.Unavailable, Harmless: false, Elsewhere: true),
        ["etcdserver: server stopped"] = new(EtcdErrorKind.Unavailable, Harmless: false, Elsewhere: true),
        ["etcdserver: request timed out"] = TimedOut,
        ["etcdserver: request timed out, possibly due to previous leader failure"] = TimedOut,
        ["etcdserver: request timed out, possibly due to connection lost"] = TimedOut,
        ["etcdserver: unhealthy cluster"] = new(EtcdErrorKind.Unavailable, Harmless: false, Elsewhere: true),
        ["etcdserver: corrupt cluster"] = new(EtcdErrorKind.Other, Harmless: false, Elsewhere: true),
    };

    /// <param name="text">etcd's text; in a watch's reason for its end it stands inside gRPC's own form of an error.</param>
    public static Meaning Of(StatusCode code, string text)
    {
        if (Known.TryGetValue(Bare(text), out var meaning)) return meaning;
        return code switch
        {
            StatusCode.Unavailable => new(EtcdErrorKind.Unavailable, Harmless: false, Elsewhere: true),
            StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.Aborted => TimedOut,
            StatusCode.Unauthenticated => new(EtcdErrorKind.Unauthenticated, StaleToken: true),
            StatusCode.PermissionDenied => new(EtcdErrorKind.PermissionDenied),
            StatusCode.InvalidArgument or StatusCode.Unimplemented => new(EtcdErrorKind.Invalid),
            StatusCode.ResourceExhausted => new(EtcdErrorKind.TooManyRequests, Harmless: false),
            // What gRPC itself makes of a connection that breaks in the middle of an answer.
            StatusCode.Internal or StatusCode.Unknown => new(EtcdErrorKind.Unavailable, Harmless: false, Elsewhere: true),
            _ => new(EtcdErrorKind.Other, Harmless: false),
        };
    }

    /// <summary><c>rpc error: code = PermissionDenied desc = etcdserver: permission denied</c> without what stands before etcd's own
    /// text.</summary>
    public static string Bare(string text)
    {
        if (!text.StartsWith(StatusText, StringComparison.Ordinal)) return text;
        var end = text.IndexOf(StatusTextEnd, StringComparison.Ordinal);
        return end < 0 ? text : text[(end + StatusTextEnd.Length)..];
    }
}
