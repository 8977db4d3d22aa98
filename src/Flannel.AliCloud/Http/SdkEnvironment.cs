namespace Flannel.AliCloud.Http;

/// <summary>The environment variables of Alibaba Cloud's SDKs.</summary>
internal static class SdkEnvironment
{
    public const string AccessKeyId = "ALIBABA_CLOUD_ACCESS_KEY_ID";
    public const string AccessKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
    public const string SecurityToken = "ALIBABA_CLOUD_SECURITY_TOKEN";
    public const string RoleArn = "ALIBABA_CLOUD_ROLE_ARN";
    public const string RoleSessionName = "ALIBABA_CLOUD_ROLE_SESSION_NAME";
    public const string OidcProviderArn = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN";
    public const string OidcTokenFile = "ALIBABA_CLOUD_OIDC_TOKEN_FILE";
    public const string StsRegion = "ALIBABA_CLOUD_STS_REGION";
    public const string Profile = "ALIBABA_CLOUD_PROFILE";
    public const string CliConfigFile = "ALIBABA_CLOUD_CONFIG_FILE";
    public const string CliProfileDisabled = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";
    public const string CredentialsFile = "ALIBABA_CLOUD_CREDENTIALS_FILE";
    public const string CredentialsUri = "ALIBABA_CLOUD_CREDENTIALS_URI";
    public const string EcsRole = "ALIBABA_CLOUD_ECS_METADATA";
    public const string EcsRoleDisabled = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
    public const string PlainMetadataDisabled = "ALIBABA_CLOUD_IMDSV1_DISABLED";

    /// <summary>True for <c>true</c> in any case, as in the SDKs.</summary>
    /// <param name="environment">Returns the value of a variable; null if it is not set.</param>
    public static bool IsTrue(Func<string, string?> environment, string name) =>
        string.Equals(environment(name)?.Trim(), "true", StringComparison.OrdinalIgnoreCase);
}
