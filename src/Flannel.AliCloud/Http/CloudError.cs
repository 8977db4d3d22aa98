namespace Flannel.AliCloud.Http;

/// <summary>The reaction to an error of the cloud. Derived from the code alone, in <see cref="CloudErrorTable"/>.</summary>
public enum CloudErrorKind
{
    /// <summary>Busy, throttled, a task conflict, a time-out, no connection: the same call may succeed later.</summary>
    Retry,

    /// <summary>The outcome of a write is unknown, or the state differs from the expected one: read it, then decide.</summary>
    Reread,

    /// <summary>The desired state exists already.</summary>
    AlreadyDone,

    /// <summary>The credentials are invalid or expired: fetch new ones and retry once.</summary>
    RefreshCredentials,

    /// <summary>The route table is full: retry slowly.</summary>
    Quota,

    /// <summary>A permission is missing (<see cref="CloudError.DeniedAction"/>), or a proxy rejected the call.</summary>
    Denied,

    /// <summary>The request cannot succeed as it is: unknown instance, wrong VPC, invalid CIDR …</summary>
    Fatal,

    /// <summary>The table does not contain the code: retry slowly and log the message.</summary>
    Unknown,
}

/// <summary>A classified error of a call.</summary>
/// <param name="Code">The service's code, or one of <see cref="CloudErrorCodes"/>.</param>
/// <param name="Message">The service's message on one line, shortened. Never parsed.</param>
/// <param name="RequestId">Empty if the service sent none.</param>
/// <param name="HttpStatus">0 without an HTTP response.</param>
/// <param name="RetryAfter">When the service allows the next call; null if it did not say.</param>
/// <param name="DeniedAction">The RAM action that is missing, such as <c>vpc:CreateRouteEntries</c>; null for other kinds, and if a proxy
/// or a firewall rejected the call.</param>
public sealed record CloudError(
    CloudErrorKind Kind, string Code, string Message, string RequestId, int HttpStatus, TimeSpan? RetryAfter, string? DeniedAction)
{
    /// <summary>True if the call was not sent because there are no credentials.</summary>
    public bool IsLackOfCredentials => Code == CloudErrorCodes.NoCredentials;

    /// <summary>True if a proxy or a firewall rejected the call in place of the API (HTTP 401 or 403).</summary>
    public bool IsProxyRejection => Code is CloudErrorCodes.Unauthorized or CloudErrorCodes.Forbidden;

    /// <summary>True if the account made too many calls; the service itself works.</summary>
    public bool IsThrottling => Code == CloudErrorCodes.TooManyRequests || CloudErrorTable.IsThrottling(Code);

    /// <summary>For <see cref="CloudErrorKind.Denied"/>: the reason, such as <c>missing permission vpc:CreateRouteEntries</c>.</summary>
    public string Denial =>
        DeniedAction is { } action ? $"missing permission {action}" : $"a proxy or a firewall rejects the call: {Message}";

    /// <summary><c> (request id)</c> for the end of a line, which Alibaba Cloud's support asks for; empty without an id.</summary>
    public string RequestNote => RequestId.Length == 0 ? "" : $" (request {RequestId})";

    /// <summary>The missing action or the code, the message and the request id, for an operator.</summary>
    public string Summary => $"{DeniedAction ?? Code} {Message}{RequestNote}";
}
