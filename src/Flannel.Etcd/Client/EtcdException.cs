namespace Flannel.Etcd.Client;

/// <summary>What kind of failure etcd, or the way to it, answered with.</summary>
public enum EtcdErrorKind
{
    /// <summary>No endpoint could be reached, or none has a leader.</summary>
    Unavailable,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>The server's certificate, or ours, was refused, or the TLS files cannot be used.</summary>
    Tls,

    /// <summary>Wrong user name or password, or one is required and none was given.</summary>
    Unauthenticated,

    /// <summary>The user may not do this to these keys.</summary>
    PermissionDenied,

    /// <summary>The revision is not in etcd's history any more: read anew.</summary>
    Compacted,

    /// <summary>etcd's database is full; reads still work.</summary>
    NoSpace,

    /// <summary>etcd asks for fewer requests.</summary>
    TooManyRequests,

    /// <summary>There is no such etcd lease: it expired or was revoked.</summary>
    LeaseNotFound,

    /// <summary>The request is one that etcd never accepts: a fault of this program, or a limit of the server.</summary>
    Invalid,

    /// <summary>Anything else; the message is etcd's own.</summary>
    Other,
}

/// <summary>The one exception of <see cref="IEtcd"/>.</summary>
public sealed class EtcdException : Exception
{
    public EtcdException(EtcdErrorKind kind, string message, bool mayHaveHappened, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        MayHaveHappened = mayHaveHappened;
    }

    public EtcdErrorKind Kind { get; }

    /// <summary>True when a write was sent and its fate is unknown.</summary>
    public bool MayHaveHappened { get; }

    /// <summary>Whether waiting can help. What cannot heal by itself is told at once, with the process's end if it happens at the
    /// start.</summary>
    public bool CanHeal =>
        Kind is not (EtcdErrorKind.Tls or EtcdErrorKind.Unauthenticated or EtcdErrorKind.PermissionDenied or EtcdErrorKind.Invalid);
}
