namespace Flannel.AliCloud.Http;

/// <summary>What a fetch of credentials returned.</summary>
public enum CredentialFetch
{
    Succeeded,

    /// <summary>A provider is configured and supplied no key.</summary>
    Failed,

    /// <summary>No provider is configured.</summary>
    Missing,
}

/// <summary>Receives what the client of the cloud does, for metrics. Thread-safe, and without waiting.</summary>
public interface ICloudObserver
{
    /// <summary>A request to the API ended. A request that was repeated counts again; one that the caller cancelled, and one that was not
    /// sent, do not count.</summary>
    /// <param name="service">Such as <c>vpc</c>.</param>
    /// <param name="action">Such as <c>CreateRouteEntries</c>.</param>
    /// <param name="failure">Null after success.</param>
    void RequestEnded(string service, string action, CloudError? failure, TimeSpan duration);

    /// <summary>A request is repeated at once: with other credentials, another nonce or the cloud's time.</summary>
    void RequestRetried(string service, string action);

    /// <summary>A request to the metadata service ended.</summary>
    /// <param name="httpStatus">0 without a response.</param>
    void MetadataRequestEnded(int httpStatus);

    /// <param name="expiration">When the key expires; null for a key that does not expire, and without a key.</param>
    void CredentialsFetched(CredentialFetch result, DateTimeOffset? expiration);

    /// <param name="ahead">How far the cloud's clock is ahead of this machine's, to the second.</param>
    void ClockMeasured(TimeSpan ahead);
}

/// <summary>Ignores everything.</summary>
internal sealed class NoCloudObserver : ICloudObserver
{
    public static readonly NoCloudObserver Instance = new();

    private NoCloudObserver()
    {
    }

    public void RequestEnded(string service, string action, CloudError? failure, TimeSpan duration)
    {
    }

    public void RequestRetried(string service, string action)
    {
    }

    public void MetadataRequestEnded(int httpStatus)
    {
    }

    public void CredentialsFetched(CredentialFetch result, DateTimeOffset? expiration)
    {
    }

    public void ClockMeasured(TimeSpan ahead)
    {
    }
}
