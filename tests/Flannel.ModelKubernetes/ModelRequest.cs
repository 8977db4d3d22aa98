using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>One request that a client sends to the model.</summary>
/// <param name="Access">What RBAC must allow.</param>
/// <param name="Name">The name of the object; empty for a list or a watch of all.</param>
public sealed record ModelRequest(AccessReview Access, string Name = "")
{
    /// <summary>The Lease that the request writes; null for every other request.</summary>
    public KubeLease? Lease { get; init; }

    /// <summary>Whether the server stores something. It stores no review.</summary>
    public bool IsWrite => Access.Verb is "create" or "update" or "patch" && Access.Resource != "selfsubjectaccessreviews";

    /// <summary>Such as <c>patch nodes/status n1</c>.</summary>
    public override string ToString()
    {
        var resource = Access.Subresource == "" ? Access.Resource : $"{Access.Resource}/{Access.Subresource}";
        var name = Access.Namespace == "" ? Name : $"{Access.Namespace}/{Name}";
        return $"{Access.Verb} {resource} {name}".TrimEnd();
    }
}

/// <summary>What goes wrong with one request.</summary>
/// <param name="Kind">The failure that the client reports; null for a response.</param>
public sealed record ModelFault(KubeErrorKind? Kind)
{
    /// <summary>Whether the server executes the request all the same.</summary>
    public bool IsExecuted { get; init; }

    /// <summary>The time between the request and the failure or the response, in the time of the server.</summary>
    public TimeSpan After { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    public static ModelFault Unavailable { get; } = new(KubeErrorKind.Unavailable);

    /// <summary>The request is lost.</summary>
    public static ModelFault RequestLost { get; } = new(KubeErrorKind.TimedOut);

    /// <summary>The server executes the request, and the response is lost.</summary>
    public static ModelFault ResponseLost { get; } = new(KubeErrorKind.TimedOut) { IsExecuted = true };

    public static ModelFault TooManyRequests(TimeSpan? retryAfter) => new(KubeErrorKind.TooManyRequests) { RetryAfter = retryAfter };

    /// <summary>A response after some time.</summary>
    public static ModelFault Slow(TimeSpan after) => new((KubeErrorKind?)null) { IsExecuted = true, After = after };

    /// <summary>The exception of the client. The outcome of a write that timed out is unknown.</summary>
    public KubeException ToException(ModelRequest request) => new(
        Kind!.Value, $"{request}: simulated: {Kind}", request.IsWrite && Kind is KubeErrorKind.TimedOut)
    {
        RetryAfter = RetryAfter,
    };
}
