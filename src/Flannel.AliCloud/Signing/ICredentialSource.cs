namespace Flannel.AliCloud.Signing;

/// <summary>Where calls get the key that signs them.</summary>
public interface ICredentialSource
{
    /// <summary>A key that is alive now. Waits for the network only when there is none yet, or the old one died.</summary>
    ValueTask<CredentialResult> GetAsync(CancellationToken cancellation);

    /// <summary>After the cloud refused <paramref name="rejected"/>: a newer key. Asks again only if the newest is still the rejected one;
    /// callers that come together share one request. The answer may be the same key when its source has no other.</summary>
    ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation);
}

/// <summary>A key, or one line that says why there is none and what to do.</summary>
public abstract record CredentialResult
{
    private CredentialResult() { }

    /// <param name="Provider">Where it came from, such as <c>RAM role FlannelRole</c>; for a log line.</param>
    public sealed record Found(AccessKey Key, string Provider) : CredentialResult;

    /// <summary>No provider is configured, and the instance has no role.</summary>
    public sealed record Missing(string Line) : CredentialResult;

    /// <summary>The provider that is configured failed; it may work later.</summary>
    public sealed record Failed(string Line) : CredentialResult;
}
