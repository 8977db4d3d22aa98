using System.Security.Cryptography;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A role that is assumed with a token of an OIDC provider, such as the one of a service account in ACK (RRSA). The token's file is read for
/// every key: whoever issues it replaces it.</summary>
/// <param name="environment">By name: <c>ALIBABA_CLOUD_ROLE_ARN</c>, <c>ALIBABA_CLOUD_OIDC_PROVIDER_ARN</c>, <c>ALIBABA_CLOUD_OIDC_TOKEN_FILE</c>,
/// <c>ALIBABA_CLOUD_ROLE_SESSION_NAME</c>.</param>
/// <param name="profile">What comes before the environment; null without a profile.</param>
internal sealed class OidcProvider(Func<string, string?> environment, Profile? profile, StsClient sts) : ICredentialProvider
{
    private const int LongestToken = 20_000;

    private AssumedRole? asked;

    public string Name => asked is { } role ? $"{role.Name} with an OIDC token" : "OIDC token";

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        var arn = Value(profile?.RoleArn, "ALIBABA_CLOUD_ROLE_ARN");
        var provider = Value(profile?.OidcProviderArn, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
        var path = Value(profile?.OidcTokenFile, "ALIBABA_CLOUD_OIDC_TOKEN_FILE");
        if ((path is null ? "ALIBABA_CLOUD_OIDC_TOKEN_FILE" : provider is null ? "ALIBABA_CLOUD_OIDC_PROVIDER_ARN" : arn is null ? "ALIBABA_CLOUD_ROLE_ARN" : null) is { } missing)
            return new ProviderResult.NotConfigured($"{missing} is not set");
        if (AssumedRole.Create(
            arn, Value(profile?.SessionName, "ALIBABA_CLOUD_ROLE_SESSION_NAME"), null, profile?.Policy, profile?.DurationSeconds, profile?.StsRegion, out var error)
            is not { } wanted) return new ProviderResult.Failed($"OIDC token: {error}");
        if (provider!.AsSpan().ContainsAnyExceptInRange('!', '~')) return new ProviderResult.Failed("OIDC token: the provider must be an ARN such as acs:ram::1234567890123456:oidc-provider/name");

        if (new WatchedFile(path!).Read(out var bytes, out var why) != FileState.Read)
            return new ProviderResult.Failed($"OIDC token file {Redaction.Path(path!)} {why}");
        using var token = new Secret(bytes.AsSpan().Trim(" \t\r\n"u8));
        CryptographicOperations.ZeroMemory(bytes);
        if (token.Reveal().Length is < 4 or > LongestToken || token.Reveal().ContainsAnyExceptInRange((byte)'!', (byte)'~'))
            return new ProviderResult.Failed($"OIDC token file {Redaction.Path(path!)} does not hold a token");
        return await sts.AssumeWithOidcAsync(asked = wanted, provider!, token, cancellation);
    }

    private string? Value(string? ofProfile, string variable) =>
        !string.IsNullOrEmpty(ofProfile) ? ofProfile : environment(variable)?.Trim() is { Length: > 0 } value ? value : null;
}
