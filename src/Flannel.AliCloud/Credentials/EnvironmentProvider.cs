using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>The key in environment variables, with the names of the SDKs or of flannel up to v0.19.2.</summary>
public sealed class EnvironmentProvider : ICredentialProvider
{
    private readonly Func<string, string?> environment;
    private readonly string idName;
    private readonly string secretName;
    private readonly string? tokenName;

    private EnvironmentProvider(Func<string, string?> environment, string idName, string secretName, string? tokenName) =>
        (this.environment, this.idName, this.secretName, this.tokenName) = (environment, idName, secretName, tokenName);

    public string Name => $"environment variable {idName}";

    /// <summary><c>ALIBABA_CLOUD_ACCESS_KEY_ID</c>, <c>…_SECRET</c> and optionally <c>ALIBABA_CLOUD_SECURITY_TOKEN</c>.</summary>
    public static EnvironmentProvider Standard(Func<string, string?> environment) =>
        new(environment, SdkEnvironment.AccessKeyId, SdkEnvironment.AccessKeySecret, SdkEnvironment.SecurityToken);

    /// <summary><c>ACCESS_KEY_ID</c> and <c>ACCESS_KEY_SECRET</c> (flannel v0.19.2 backend/alivpc).</summary>
    public static EnvironmentProvider Legacy(Func<string, string?> environment) =>
        new(environment, "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", null);

    public bool HasChanged() => false;

    public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation) => ValueTask.FromResult(Read());

    private ProviderResult Read()
    {
        var (id, secret) = (environment(idName)?.Trim(), environment(secretName)?.Trim());
        if (string.IsNullOrEmpty(id)) return new ProviderResult.NotConfigured($"{idName} is not set");
        if (string.IsNullOrEmpty(secret)) return new ProviderResult.NotConfigured($"{idName} is set, but {secretName} is not");
        var token = tokenName is null ? null : environment(tokenName)?.Trim();
        return ProviderResult.From(AccessKey.Create(id, secret, token).WithErrorPrefix($"{Name}: "));
    }
}
