using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Signing;

/// <summary>A temporary key as the metadata service, a credentials URI and STS write it. All fields are required, and a key that has
/// expired is refused.</summary>
internal static class TemporaryKey
{
    /// <summary>Of a whole answer. Never quotes the text.</summary>
    /// <param name="whose">What a line begins with, such as <c>RAM role FlannelRole</c>.</param>
    /// <param name="cloudTime">Of <see cref="CloudClock.Known"/>; while it is null the cloud itself judges whether the key is still valid,
    /// since this machine's clock may be hours off.</param>
    public static ProviderResult Read(ReadOnlySpan<byte> text, string whose, DateTimeOffset? cloudTime, bool mustSaySuccess)
    {
        if (CloudResponseReader.Parse(text, CloudResponseJson.Default.AccessKeyResponse) is not { } answer)
            return new ProviderResult.Failed($"{whose}: the answer is not the JSON of a key");
        if (mustSaySuccess || answer.Code is not null)
            if (answer.Code != "Success") return new ProviderResult.Failed($"{whose}: there is no key (its Code is not Success)");
        return Read(answer, whose, cloudTime);
    }

    public static ProviderResult Read(AccessKeyResponse answer, string whose, DateTimeOffset? cloudTime)
    {
        if (answer.Expiration is not { } expiration || string.IsNullOrEmpty(answer.SecurityToken))
            return new ProviderResult.Failed($"{whose}: the key lacks its security token or its expiration");
        if (expiration <= cloudTime) return new ProviderResult.Failed(Expired(whose, expiration, cloudTime.Value));
        return AccessKey.Create(answer.AccessKeyId, answer.AccessKeySecret, answer.SecurityToken, expiration, out var error) is { } key
            ? new ProviderResult.Found(key)
            : new ProviderResult.Failed($"{whose}: {error}");
    }

    /// <summary>A line for a key whose expiration has passed.</summary>
    public static string Expired(string whose, DateTimeOffset expiration, DateTimeOffset cloudTime) =>
        $"{whose}: the key expired at {expiration:u} (Alibaba Cloud's time is {cloudTime:u})";
}
