using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A SelfSubjectAccessReview, as it is read and as it is written.</summary>
internal sealed class AccessReviewDocument
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public AccessReviewSpec? Spec { get; init; }

    public AccessReviewStatus? Status { get; init; }

    public static AccessReviewDocument Of(AccessReview review) => new()
    {
        ApiVersion = "authorization.k8s.io/v1",
        Kind = "SelfSubjectAccessReview",
        Spec = new AccessReviewSpec
        {
            ResourceAttributes = new ResourceAttributes
            {
                Verb = review.Verb,
                Group = review.Group,
                Resource = review.Resource,
                Subresource = review.Subresource,
                Namespace = review.Namespace,
            },
        },
    };
}

internal sealed class AccessReviewSpec
{
    public ResourceAttributes? ResourceAttributes { get; init; }
}

internal sealed class ResourceAttributes
{
    public string? Verb { get; init; }

    public string? Group { get; init; }

    public string? Resource { get; init; }

    public string? Subresource { get; init; }

    public string? Namespace { get; init; }
}

internal sealed class AccessReviewStatus
{
    public bool? Allowed { get; init; }
}
