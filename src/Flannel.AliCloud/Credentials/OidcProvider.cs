using System.Security.Cryptography;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A role that is assumed with an OIDC token, such as the token of a service account in ACK (RRSA). The token file is read for
/// every key: its issuer replaces it.</summary>
/// <param name="environment">Returns the value of <c>ALIBABA_CLOUD_ROLE_ARN</c>, <c>ALIBABA_CLOUD_OIDC_PROVIDER_ARN</c>,
/// <c>ALIBABA_CLOUD_OIDC_TOKEN_FILE</c> and <c>ALIBABA_CLOUD_ROLE_SESSION_NAME</c>.</param>
/// <param name="profile">Takes precedence over the environment; null without a profile.</param>
internal sealed class OidcProvider(Func<string, string?> environment, Profile? profile, StsClient sts) : ICredentialProvider
{
    private const int MinTokenBytes = 4;

    /// <summary>The maximum of AssumeRoleWithOIDC (STS 2015-04-01).</summary>
    private const int MaxTokenBytes = 20_000;

    private AssumedRole? lastRole;

    public string Name => lastRole is { } role ? $"{role.Name} with an OIDC token" : "OIDC token";

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (Value(profile?.OidcTokenFile, SdkEnvironment.OidcTokenFile) is not { } path) return NotSet(SdkEnvironment.OidcTokenFile);
        if (Value(profile?.OidcProviderArn, SdkEnvironment.OidcProviderArn) is not { } providerArn)
            return NotSet(SdkEnvironment.OidcProviderArn);
        if (Value(profile?.RoleArn, SdkEnvironment.RoleArn) is not { } roleArn) return NotSet(SdkEnvironment.RoleArn);
        var role = AssumedRole.Create(new AssumedRoleOptions
        {
            Arn = roleArn,
            SessionName = Value(profile?.SessionName, SdkEnvironment.RoleSessionName),
            Policy = profile?.Policy,
            DurationSeconds = profile?.DurationSeconds,
            RegionId = profile?.StsRegion,
        });
        if (!role.Ok) return new ProviderResult.Failed($"OIDC token: {role.Error}");
        if (providerArn.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return new ProviderResult.Failed(
                "OIDC token: the provider must be an ARN such as acs:ram::1234567890123456:oidc-provider/name");
        }

        var token = ReadToken(path);
        if (!token.Ok) return new ProviderResult.Failed($"OIDC token file {Redaction.Path(path)} {token.Error}");
        using (token.Value)
        {
            lastRole = role.Value;
            var assumed = await sts.AssumeRoleWithOidcAsync(role.Value, providerArn, token.Value, cancellation);
            return assumed.ToProviderResult();
        }
    }

    /// <returns>A failure is the rest of a line that begins with the file's name.</returns>
    private static Result<Secret> ReadToken(string path)
    {
        var file = SmallFile.Read(path);
        if (file is SmallFileResult.Unusable unusable) return Result.Failure(unusable.Reason);
        var content = ((SmallFileResult.Present)file).Content;
        var token = new Secret(content.AsSpan().Trim(" \t\r\n"u8));
        CryptographicOperations.ZeroMemory(content);
        var text = token.Reveal();
        if (text.Length is >= MinTokenBytes and <= MaxTokenBytes && !text.ContainsAnyExceptInRange((byte)'!', (byte)'~')) return token;
        token.Dispose();
        return Result.Failure("does not contain a token");
    }

    private static ProviderResult.NotConfigured NotSet(string variable) => new($"{variable} is not set");

    private string? Value(string? fromProfile, string variable)
    {
        if (!string.IsNullOrEmpty(fromProfile)) return fromProfile;
        return environment(variable)?.Trim() is { Length: > 0 } value ? value : null;
    }
}
