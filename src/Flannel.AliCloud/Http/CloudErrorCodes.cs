namespace Flannel.AliCloud.Http;

/// <summary>Values of <see cref="CloudError.Code"/> for calls that the service itself did not answer. Those in angle brackets got no HTTP response
/// that could be read.</summary>
public static class CloudErrorCodes
{
    /// <summary>No connection: nothing was sent.</summary>
    public const string Connect = "<connect>";

    /// <summary>No response in time.</summary>
    public const string Timeout = "<timeout>";

    /// <summary>The response cannot be used: cut off, too large, not JSON, or without a required field.</summary>
    public const string InvalidResponse = "<answer>";

    /// <summary>Not sent: there are no credentials to sign with.</summary>
    public const string NoCredentials = "<credentials>";

    /// <summary>Not sent: the request itself is invalid.</summary>
    public const string InvalidRequest = "<request>";

    /// <summary>HTTP 401 or 403 without a code of the API: a proxy or a firewall on the way refuses the call.</summary>
    public const string Forbidden = "HTTP403";

    /// <summary>HTTP 429 without a code of the API.</summary>
    public const string TooManyRequests = "HTTP429";
}
