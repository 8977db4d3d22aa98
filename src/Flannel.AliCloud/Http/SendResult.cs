namespace Flannel.AliCloud.Http;

/// <summary>The outcome of one request: a value or an error.</summary>
/// <param name="ServerTime">The header <c>Date</c> of the response; null without one.</param>
/// <param name="NameUnknown">True if the name of the host did not resolve: another host may work.</param>
internal sealed record SendResult<T>(T? Value, CloudError? Error, DateTimeOffset? ServerTime, bool NameUnknown) where T : CloudResponse
{
    public SendResult(CloudError error, bool nameUnknown = false) : this(null, error, null, nameUnknown) { }
}
