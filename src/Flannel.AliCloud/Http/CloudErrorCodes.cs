namespace Flannel.AliCloud.Http;

/// <summary>Values of <see cref="CloudError.Code"/> for calls without a response of the service itself. For those in angle brackets there
/// is no HTTP response that could be read.</summary>
public static class CloudErrorCodes
{
    /// <summary>No connection: nothing was sent.</summary>
    public const string Connect = "<connect>";

    /// <summary>No response in time.</summary>
    public const string Timeout = "<timeout>";

    /// <summary>The response is unusable: cut off, too large, not JSON, or without a required field.</summary>
    public const string InvalidResponse = "<answer>";

    /// <summary>Not sent: there are no credentials to sign with.</summary>
    public const string NoCredentials = "<credentials>";

    /// <summary>Not sent: the request is invalid.</summary>
    public const string InvalidRequest = "<request>";

    /// <summary>HTTP 401 without a code of the API: a proxy or a firewall rejects the call.</summary>
    public const string Unauthorized = "HTTP401";

    /// <summary>HTTP 403 without a code of the API: a proxy or a firewall rejects the call.</summary>
    public const string Forbidden = "HTTP403";

    /// <summary>HTTP 429 without a code of the API.</summary>
    public const string TooManyRequests = "HTTP429";
}
