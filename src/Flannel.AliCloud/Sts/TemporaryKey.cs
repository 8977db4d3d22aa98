using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Sts;

/// <summary>Reads a temporary key of STS, which the metadata service and a credentials URI return in the same form. All fields are
/// required; an expired key is a failure. Failures never quote the text.</summary>
internal static class TemporaryKey
{
    /// <param name="text">The JSON of a key.</param>
    /// <param name="origin">The start of a failure, such as <c>RAM role FlannelRole</c>.</param>
    /// <param name="cloudTime">The <see cref="CloudClock.TrustedTime"/>. While it is null, only the cloud can tell whether the key has
    /// expired: the clock of this machine may be hours off.</param>
    /// <param name="requiresSuccess">True if <c>Code</c> must be present (metadata service).</param>
    public static Result<AccessKey> Parse(ReadOnlySpan<byte> text, string origin, DateTimeOffset? cloudTime, bool requiresSuccess)
    {
        if (CloudResponseReader.Parse(text, StsJson.Default.AccessKeyResponse) is not { } response)
            return Result.Failure($"{origin}: the response is not the JSON of a key");
        if ((requiresSuccess || response.Code is not null) && response.Code != "Success")
            return Result.Failure($"{origin}: the response contains no key (its Code is not Success)");
        return Create(response, origin, cloudTime);
    }

    /// <inheritdoc cref="Parse"/>
    public static Result<AccessKey> Create(AccessKeyResponse response, string origin, DateTimeOffset? cloudTime)
    {
        if (response.Expiration is not { } expiration || string.IsNullOrEmpty(response.SecurityToken))
            return Result.Failure($"{origin}: the key lacks its security token or its expiration");
        if (expiration <= cloudTime) return Result.Failure(ExpiredMessage(origin, expiration, cloudTime.Value));
        return AccessKey.Create(response.AccessKeyId, response.AccessKeySecret, response.SecurityToken, expiration)
            .WithErrorPrefix($"{origin}: ");
    }

    public static string ExpiredMessage(string origin, DateTimeOffset expiration, DateTimeOffset cloudTime) =>
        $"{origin}: the key expired at {expiration:u} (Alibaba Cloud's time is {cloudTime:u})";
}
