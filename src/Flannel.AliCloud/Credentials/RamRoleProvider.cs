using System.Text;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>Temporary keys of the RAM role that is attached to the instance, from the metadata service.</summary>
/// <param name="environment">Returns the value of <c>ALIBABA_CLOUD_ECS_METADATA</c> (name of the role) and
/// <c>ALIBABA_CLOUD_ECS_METADATA_DISABLED</c>.</param>
/// <param name="profileRole">The role that a profile names; null without one.</param>
public sealed class RamRoleProvider(
    MetadataClient metadata, Func<string, string?> environment, CloudClock clock, string? profileRole = null) : ICredentialProvider
{
    private const string CredentialsPath = "meta-data/ram/security-credentials/";

    private string? lastRole;

    public string Name => lastRole is { } name ? $"RAM role {name}" : "RAM role";

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (SdkEnvironment.IsTrue(environment, SdkEnvironment.EcsRoleDisabled))
            return new ProviderResult.NotConfigured($"{SdkEnvironment.EcsRoleDisabled} disables the RAM role") { IsDisabled = true };
        var configured = (profileRole ?? environment(SdkEnvironment.EcsRole))?.Trim();
        return string.IsNullOrEmpty(configured)
            ? await FetchAttachedAsync(cancellation)
            : await FetchConfiguredAsync(configured, cancellation);
    }

    internal static Result<AccessKey> Parse(string text, string role, DateTimeOffset? cloudTime) =>
        TemporaryKey.Parse(Encoding.UTF8.GetBytes(text), $"RAM role {role}", cloudTime, requiresSuccess: true);

    /// <summary>The key of the role that a variable or a profile names.</summary>
    private async Task<ProviderResult> FetchConfiguredAsync(string role, CancellationToken cancellation)
    {
        var origin = profileRole is null ? SdkEnvironment.EcsRole : "the profile";
        if (!ResourceIdFormat.IsRoleName(role)) return new ProviderResult.Failed($"{origin} does not contain the name of a role");
        return await FetchRoleAsync(role, isImplicit: false, cancellation)
            ?? new ProviderResult.NotConfigured($"RAM role {role} of {origin} is not attached to this instance");
    }

    /// <summary>The key of the attached role.</summary>
    private async Task<ProviderResult> FetchAttachedAsync(CancellationToken cancellation)
    {
        // The last role saves a round trip. Another role may have been attached since.
        if (lastRole is { } last && await FetchRoleAsync(last, isImplicit: true, cancellation) is { } result) return result;
        lastRole = null;
        switch (await metadata.GetAsync(CredentialsPath, cancellation))
        {
            case MetadataResult.Found { Text: var text }:
                var role = text.Split('\n')[0].Trim();
                if (role.Length == 0) return NoRole();
                if (!ResourceIdFormat.IsRoleName(role))
                    return new ProviderResult.Failed("the metadata service returns an invalid name of a RAM role");
                return await FetchRoleAsync(role, isImplicit: true, cancellation)
                    ?? new ProviderResult.NotConfigured($"RAM role {role} was just detached from this instance");
            case MetadataResult.NotFound:
                return NoRole();
            case MetadataResult.Failed failed:
                return new ProviderResult.Failed(failed.Reason);
            case MetadataResult.Unreachable unreachable:
                return Unreachable(unreachable, isImplicit: true);
            default:
                throw new InvalidOperationException("unknown metadata result");
        }
    }

    private static ProviderResult.NotConfigured NoRole() => new("no RAM role is attached to this instance");

    /// <summary>This may not be an ECS instance. Unless a role is configured, the chain tries the next provider.</summary>
    private static ProviderResult.Failed Unreachable(MetadataResult.Unreachable unreachable, bool isImplicit) =>
        new(unreachable.Reason) { IsImplicit = isImplicit };

    /// <returns>Null if the instance does not have the role.</returns>
    private async Task<ProviderResult?> FetchRoleAsync(string role, bool isImplicit, CancellationToken cancellation)
    {
        switch (await metadata.GetAsync(CredentialsPath + role, cancellation))
        {
            case MetadataResult.Found { Text: var text }:
                lastRole = role;
                return ProviderResult.From(Parse(text, role, clock.TrustedTime));
            case MetadataResult.Failed failed:
                return new ProviderResult.Failed(failed.Reason);
            case MetadataResult.Unreachable unreachable:
                return Unreachable(unreachable, isImplicit);
            default:
                return null;
        }
    }
}
