using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>One link of the chain.</summary>
public interface ICredentialProvider
{
    /// <summary>For people: where its key comes from, such as <c>access key file /etc/flannel/key</c>. Never a value.</summary>
    string Name { get; }

    ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation);

    /// <summary>Whether what it gave last may be outdated for another reason than time: its file was replaced. Cheap; called for every key.</summary>
    bool HasChanged();
}

public abstract record ProviderResult
{
    private ProviderResult() { }

    public sealed record Found(AccessKey Key) : ProviderResult;

    /// <summary>This link is not configured here: the next one is asked.</summary>
    /// <param name="Why">Half a sentence, for a person who wonders.</param>
    public sealed record NotConfigured(string Why) : ProviderResult
    {
        /// <summary>Somebody switched it off.</summary>
        public bool IsDisabled { get; init; }
    }

    /// <summary>It is configured and does not serve. The chain ends here: another key than the one that was meant would be a surprise.</summary>
    public sealed record Failed(string Line) : ProviderResult
    {
        /// <summary>Nobody named this link, it is merely always tried: the next ones are asked before the failure counts.</summary>
        public bool GoOn { get; init; }

        /// <summary>What RAM refused to the key that it began with; null for another failure.</summary>
        public DeniedRight? Denied { get; init; }
    }
}

/// <summary>A right that a policy can grant.</summary>
/// <param name="Action">Such as <c>sts:AssumeRole</c>.</param>
/// <param name="Resource">An ARN, or <c>*</c>.</param>
public sealed record DeniedRight(string Action, string Resource);
