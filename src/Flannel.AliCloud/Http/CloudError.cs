namespace Flannel.AliCloud.Http;

/// <summary>What to do about an error of the cloud. Decided by its code alone, in one table.</summary>
public enum CloudErrorKind
{
    /// <summary>Busy, throttled, a task conflict, a time-out, no connection: the same call may succeed later.</summary>
    Retry,

    /// <summary>The outcome of a write is not known, or the state differs from what we believed: read again, then decide.</summary>
    Reread,

    /// <summary>The wanted state holds already.</summary>
    AlreadySo,

    /// <summary>The credentials died: fetch new ones, then repeat once.</summary>
    RefreshCredentials,

    /// <summary>The table is full; slow retries.</summary>
    Quota,

    /// <summary>The rights are missing; <see cref="CloudError.DeniedAction"/> names the RAM action.</summary>
    Denied,

    /// <summary>The request can never succeed as it is (unknown instance, wrong VPC, bad CIDR …).</summary>
    Fatal,

    /// <summary>A code that the table does not know: treated as a slow retry, and logged with its text.</summary>
    Unknown,
}

/// <param name="Code">The service's code, or one of ours in angle brackets: <c>&lt;connect&gt;</c>, <c>&lt;timeout&gt;</c>, <c>&lt;answer&gt;</c>,
/// <c>&lt;credentials&gt;</c> (nothing to sign with; the message says what to do), <c>&lt;request&gt;</c>; or <c>HTTP403</c> and
/// <c>HTTP429</c> where something on the way answered in the API's place.</param>
/// <param name="Message">The service's text, one line, bounded, for people only.</param>
/// <param name="RetryAfter">The server's own hint; null without one.</param>
/// <param name="DeniedAction">The RAM action that is missing, such as <c>vpc:CreateRouteEntries</c>; null for other kinds, and where not
/// RAM but a proxy or a firewall refused the call.</param>
public sealed record CloudError(
    CloudErrorKind Kind, string Code, string Message, string RequestId, int HttpStatus, TimeSpan? RetryAfter, string? DeniedAction)
{
    /// <summary>Nothing was sent: there was nothing to sign with.</summary>
    public bool IsLackOfCredentials => Code == CloudErrorCodes.NoCredentials;

    /// <summary>The account made too many calls; the service itself works.</summary>
    public bool IsThrottling => Code == CloudErrorCodes.TooManyRequests || CloudErrorTable.IsThrottling(Code);

    /// <summary>For kind <see cref="CloudErrorKind.Denied"/>: who refuses what, as the end of a sentence.</summary>
    public string Denial => DeniedAction is { } action ? $"the RAM role lacks {action}" : $"the call is refused: {Message} ({Code})";

    /// <summary>For the end of a line: what Alibaba Cloud's support asks for; empty when the service gave none.</summary>
    public string RequestNote => RequestId.Length == 0 ? "" : $" (request {RequestId})";
}
