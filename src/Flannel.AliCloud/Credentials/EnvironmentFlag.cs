namespace Flannel.AliCloud.Credentials;

/// <summary>The <c>ALIBABA_CLOUD_…_DISABLED</c> variables: on when they say <c>true</c>, in any case, as in the official SDKs.</summary>
internal static class EnvironmentFlag
{
    public static bool IsOn(string? value) => string.Equals(value?.Trim(), "true", StringComparison.OrdinalIgnoreCase);
}
