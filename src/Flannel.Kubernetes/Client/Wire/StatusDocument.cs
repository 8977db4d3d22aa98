namespace Flannel.Kubernetes.Client.Wire;

/// <summary>The <c>Status</c> object of a failed request, and of an event of the type ERROR.</summary>
internal sealed class StatusDocument
{
    /// <summary><c>Status</c>; another object, or none, is not from an API server.</summary>
    public string? Kind { get; init; }

    public string? Message { get; init; }

    /// <summary>Such as <c>NotFound</c>, <c>AlreadyExists</c>, <c>Expired</c> (apimachinery, meta/v1/types.go).</summary>
    public string? Reason { get; init; }

    public int? Code { get; init; }

    public StatusDetails? Details { get; init; }

    public bool IsStatus => Kind == "Status";
}

internal sealed class StatusDetails
{
    /// <summary>Of the object that the failure is about.</summary>
    public string? Name { get; init; }

    public int? RetryAfterSeconds { get; init; }

    public IReadOnlyList<StatusCause?>? Causes { get; init; }
}

internal sealed class StatusCause
{
    /// <summary>The path of a field that was rejected, such as <c>metadata.uid</c>.</summary>
    public string? Field { get; init; }
}
