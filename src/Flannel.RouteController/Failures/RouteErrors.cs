using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Failures;

/// <summary>Whether a failed write concerns its routes or the whole VPC.</summary>
internal static class RouteErrors
{
    /// <summary>Codes of the kind "retry" that concern the next hop and not the VPC: the instance is starting, its interface is
    /// locked.</summary>
    private static readonly HashSet<string> NextHopCodes = new(StringComparer.OrdinalIgnoreCase)
    {
        "IncorrectInstanceStatus", "IncorrectHaVipStatus", "OperationFailed.GetEniInfo", "OperationFailed.OperationLocked",
        "IncorrectStatus.Ipv6Address",
    };

    /// <summary>True if no route of the call is the cause: the VPC is busy, the account is throttled, the credentials have expired, no
    /// response arrived.</summary>
    public static bool ConcernsVpc(CloudError error) => error.Kind switch
    {
        CloudErrorKind.Retry => !NextHopCodes.Contains(error.Code),
        CloudErrorKind.Reread => IsNoResponse(error),
        CloudErrorKind.RefreshCredentials => true,
        _ => false,
    };

    /// <summary>Whether a batch's size may be the cause of its failure: a time-out, a reset connection, an invalid response, an error of
    /// the service or of a gateway. Not a busy VPC, throttling, or a connection that was never established.</summary>
    public static bool MayBeCausedBySize(CloudError error) =>
        error.Code is CloudErrorCodes.Timeout or CloudErrorCodes.InvalidResponse || (error.HttpStatus >= 500 && !error.IsThrottling);

    /// <summary>A gateway rejects the length of the request line or of a header. These statuses are of HTTP and not of the API.</summary>
    public static bool IsTooLong(CloudError error) => error.HttpStatus is 413 or 414 or 431;

    /// <summary>No response of the API arrived: the code is this program's own, in angle brackets.</summary>
    public static bool IsNoResponse(CloudError error) => error.Kind != CloudErrorKind.RefreshCredentials && error.Code.StartsWith('<');
}
