using Flannel.Core.Leases;

namespace Flannel.Kubernetes.Client;

/// <summary>The kind of a failure of the Kubernetes API or of the connection to it.</summary>
public enum KubeErrorKind
{
    /// <summary>The API server is unavailable, or responds with 500 or more.</summary>
    Unavailable,

    /// <summary>No response in time.</summary>
    TimedOut,

    /// <summary>The certificate of the server or of this client was rejected, or the TLS files cannot be used.</summary>
    Tls,

    /// <summary>401: the token or the client certificate is not valid. A projected token is replaced in time: read it again.</summary>
    Unauthorized,

    /// <summary>403: RBAC does not allow the request.</summary>
    Forbidden,

    /// <summary>404 that names the object: it does not exist.</summary>
    NotFound,

    /// <summary>409: the object was changed since it was read, or it exists already. Also 422 for a patch with another UID.</summary>
    Conflict,

    /// <summary>410, also as an event of a watch: the resource version is too old. List again.</summary>
    Expired,

    /// <summary>429: the API server is overloaded.</summary>
    TooManyRequests,

    /// <summary>The API server never accepts this request (another status, such as 400 or 422), or its response cannot be read.</summary>
    Invalid,
}

/// <summary>The only exception of <see cref="IKubeApi"/>, other than cancellation. The message is one line without a secret, and names the
/// verb and the resource.</summary>
/// <param name="mayHaveHappened">True if a write was sent and its outcome is unknown.</param>
public sealed class KubeException(KubeErrorKind kind, string message, bool mayHaveHappened = false, Exception? inner = null)
    : SubnetManagerException(message, inner)
{
    /// <summary>The name of this subnet manager in messages.</summary>
    public const string ManagerName = "Kubernetes";

    public override string Manager => ManagerName;

    public KubeErrorKind Kind { get; } = kind;

    public bool MayHaveHappened { get; } = mayHaveHappened;

    /// <summary>Of the response; 0 without one.</summary>
    public int HttpStatus { get; init; }

    public override bool CanRecover => Kind is KubeErrorKind.Unavailable or KubeErrorKind.TimedOut or KubeErrorKind.TooManyRequests
        or KubeErrorKind.Conflict or KubeErrorKind.Expired or KubeErrorKind.Unauthorized;

    /// <summary>True if a daemon that waits repeats the request: also a missing permission, which is granted while it runs.</summary>
    public bool CanBeAwaited => CanRecover || Kind == KubeErrorKind.Forbidden;
}
