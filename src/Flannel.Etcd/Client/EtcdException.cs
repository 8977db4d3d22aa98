using Flannel.Core.Leases;

namespace Flannel.Etcd.Client;

/// <summary>The kind of a failure of etcd or of the connection to it.</summary>
public enum EtcdErrorKind
{
    /// <summary>No endpoint is available, or none has a leader.</summary>
    Unavailable,

    /// <summary>No response in time.</summary>
    TimedOut,

    /// <summary>The certificate of the server or of this client was rejected, or the TLS files cannot be used.</summary>
    Tls,

    /// <summary>The user name or the password is wrong, or required and not given.</summary>
    Unauthenticated,

    /// <summary>The user has no permission for these keys.</summary>
    PermissionDenied,

    /// <summary>etcd's history no longer contains the revision: read again.</summary>
    Compacted,

    /// <summary>etcd's database is full; reads still work.</summary>
    NoSpace,

    /// <summary>etcd is overloaded.</summary>
    TooManyRequests,

    /// <summary>The etcd lease does not exist: it expired or was revoked.</summary>
    LeaseNotFound,

    /// <summary>etcd never accepts this request: an internal error, or a limit of the server.</summary>
    Invalid,

    /// <summary>Anything else; the message is etcd's own.</summary>
    Other,
}

/// <summary>The only exception of <see cref="IEtcd"/>, other than cancellation.</summary>
public sealed class EtcdException(EtcdErrorKind kind, string message, bool mayHaveHappened, Exception? inner = null)
    : SubnetManagerException(message, inner)
{
    /// <summary>The name of this subnet manager in messages.</summary>
    public const string ManagerName = "etcd";

    public override string Manager => ManagerName;

    public EtcdErrorKind Kind { get; } = kind;

    /// <summary>True if a write was sent and its outcome is unknown.</summary>
    public bool MayHaveHappened { get; } = mayHaveHappened;

    /// <summary>True if retrying can help. Other failures are reported at once, and end the process during its start.</summary>
    public override bool CanRecover =>
        Kind is not (EtcdErrorKind.Tls or EtcdErrorKind.Unauthenticated or EtcdErrorKind.PermissionDenied or EtcdErrorKind.Invalid);
}
