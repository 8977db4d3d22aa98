using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Execution;

/// <summary>The outcome of one call that writes. Failures of single routes are recorded by the call itself.</summary>
/// <param name="HasFailed">Whether the call failed as a whole.</param>
/// <param name="VpcError">An error that concerns the whole VPC (busy, throttled, no response, denied); null if there is none.</param>
/// <param name="IsNextSmaller">The call got no response, and therefore the next batch is smaller.</param>
internal sealed record WriteResult(bool HasFailed, CloudError? VpcError = null, bool IsNextSmaller = false)
{
    /// <summary>Whether the call failed, or one of its routes.</summary>
    public bool HasFailures { get; private init; } = HasFailed;

    public static readonly WriteResult Done = new(HasFailed: false);

    /// <summary>The call succeeded, but not for all of its routes.</summary>
    public static readonly WriteResult PartlyFailed = new(HasFailed: false) { HasFailures = true };

    /// <summary>The call failed, and only its routes are concerned.</summary>
    public static readonly WriteResult RoutesFailed = new(HasFailed: true);
}
