using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Execution;

/// <summary>Whom a failed write concerns: its routes, or everybody.</summary>
internal static class RouteErrors
{
    /// <summary>Codes of the kind "retry" that speak of the next hop, not of the VPC: the instance is starting, its interface is locked.</summary>
    private static readonly HashSet<string> OfNextHop = new(StringComparer.OrdinalIgnoreCase)
    {
        "IncorrectInstanceStatus", "IncorrectHaVipStatus", "OperationFailed.GetEniInfo", "OperationFailed.OperationLocked",
        "IncorrectStatus.Ipv6Address",
    };

    /// <summary>True when no route of the call is to blame: the VPC is busy, the account throttled, the credentials dead, no answer came.</summary>
    public static bool ConcernsAll(CloudError error) => error.Kind switch
    {
        CloudErrorKind.Retry => !OfNextHop.Contains(error.Code),
        CloudErrorKind.Reread => IsNoAnswer(error),
        CloudErrorKind.RefreshCredentials => true,
        _ => false,
    };

    /// <summary>Whether a batch's size may be the cause of its failure: a time-out, a reset connection, an answer that cannot be read, an
    /// error of the service or of a gateway. Not a busy VPC, throttling, or a connection that was never established.</summary>
    public static bool MayBeCausedBySize(CloudError error) =>
        error.Code is CloudErrorCodes.Timeout or CloudErrorCodes.InvalidResponse || (error.HttpStatus >= 500 && !error.IsThrottling);

    /// <summary>Of HTTP and not of the API: a request line or a header that some gateway on the way does not take.</summary>
    public static bool IsTooLong(CloudError error) => error.HttpStatus is 413 or 414 or 431;

    /// <summary>Codes of ours, in angle brackets, are of calls that no answer came to.</summary>
    public static bool IsNoAnswer(CloudError error) => error.Kind != CloudErrorKind.RefreshCredentials && error.Code.StartsWith('<');
}
