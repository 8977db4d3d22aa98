namespace Flannel.AliCloud.Signing;

/// <summary>Supplies the access key that signs calls. Thread-safe.</summary>
public interface ICredentialSource
{
    /// <summary>Returns a valid key. It waits for the network only if there is no key yet, or if the current key has expired.</summary>
    ValueTask<CredentialResult> GetAsync(CancellationToken cancellation);

    /// <summary>Returns a newer key after the cloud rejected <paramref name="rejected"/>. It fetches a key only if the current key is still
    /// the rejected one; concurrent callers share one request. The result may be the same key if the source has no other.</summary>
    ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation);
}

/// <summary>An access key, or the reason why there is none.</summary>
public abstract record CredentialResult
{
    private CredentialResult() { }

    /// <param name="Provider">The origin of the key for a log line, such as <c>RAM role FlannelRole</c>.</param>
    public sealed record Found(AccessKey Key, string Provider) : CredentialResult;

    /// <summary>No provider is configured, and no RAM role is attached to the instance.</summary>
    /// <param name="Reason">One line that says what to do.</param>
    public sealed record Missing(string Reason) : CredentialResult;

    /// <summary>The configured provider failed; it may recover.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Failed(string Reason) : CredentialResult;
}
