using Flannel.AliVpc.Api;

namespace Flannel.AliVpc.Credentials;

/// <summary>A temporary key as the metadata service, a credentials URI and STS write it. All fields are required, and a key that is dead already is none.</summary>
internal static class TemporaryKey
{
    /// <summary>Of a whole answer. Never quotes the text.</summary>
    /// <param name="whose">What a line begins with, such as <c>RAM role FlannelRole</c>.</param>
    public static ProviderAnswer Read(ReadOnlySpan<byte> text, string whose, DateTimeOffset now, bool mustSaySuccess)
    {
        if (CloudAnswerReader.Parse(text, CloudAnswersJson.Default.KeyAnswer) is not { } answer)
            return new ProviderAnswer.Failed($"{whose}: the answer is not the JSON of a key");
        if (mustSaySuccess || answer.Code is not null)
            if (answer.Code != "Success") return new ProviderAnswer.Failed($"{whose}: there is no key (its Code is not Success)");
        return Read(answer, whose, now);
    }

    public static ProviderAnswer Read(KeyAnswer answer, string whose, DateTimeOffset now)
    {
        if (answer.Expiration is not { } expiration || string.IsNullOrEmpty(answer.SecurityToken))
            return new ProviderAnswer.Failed($"{whose}: the key lacks its security token or its expiration");
        if (expiration <= now) return new ProviderAnswer.Failed($"{whose}: the key expired at {expiration:u}; is this machine's clock right?");
        return AccessKey.Create(answer.AccessKeyId, answer.AccessKeySecret, answer.SecurityToken, expiration, out var error) is { } key
            ? new ProviderAnswer.Found(key)
            : new ProviderAnswer.Failed($"{whose}: {error}");
    }
}
