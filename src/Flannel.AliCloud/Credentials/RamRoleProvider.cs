using System.Text;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Credentials;

/// <summary>The RAM role that is attached to the instance: temporary keys from the metadata service.</summary>
/// <param name="environment">By name: <c>ALIBABA_CLOUD_ECS_METADATA</c> names the role, <c>ALIBABA_CLOUD_ECS_METADATA_DISABLED</c> forbids to ask.</param>
/// <param name="ofProfile">The role that a profile names; null without one.</param>
public sealed class RamRoleProvider(
    MetadataClient metadata, Func<string, string?> environment, CloudClock clock, string? ofProfile = null) : ICredentialProvider
{
    private const string Root = "meta-data/ram/security-credentials/";

    private string? role;

    public string Name => role is { } name ? $"RAM role {name}" : "RAM role";

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (EnvironmentFlag.IsOn(environment("ALIBABA_CLOUD_ECS_METADATA_DISABLED")))
            return new ProviderResult.NotConfigured("ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids the RAM role") { IsDisabled = true };
        var named = (ofProfile ?? environment("ALIBABA_CLOUD_ECS_METADATA"))?.Trim();
        if (!string.IsNullOrEmpty(named)) return ResourceIdFormat.IsRole(named)
            ? await OfRoleAsync(named, named, cancellation) ?? NoRole($"the instance does not have the role {named} of {Namer}")
            : new ProviderResult.Failed($"{Namer} does not hold the name of a role");

        // The role of last time saves a round trip; another one may have been attached since.
        if (role is { } last && await OfRoleAsync(last, null, cancellation) is { } again) return again;
        role = null;
        switch (await metadata.GetAsync(Root, cancellation))
        {
            case MetadataResult.Found { Text: var text }:
                var first = text.Split('\n')[0].Trim();
                if (first.Length == 0) return NoRole("no RAM role is attached to this instance");
                return ResourceIdFormat.IsRole(first)
                    ? await OfRoleAsync(first, null, cancellation) ?? NoRole("the instance's RAM role was just detached")
                    : new ProviderResult.Failed("the metadata service lists something that is not the name of a role");
            case MetadataResult.Absent:
                return NoRole("no RAM role is attached to this instance");
            case MetadataResult.Refused refused:
                return new ProviderResult.Failed(refused.Line);
            case MetadataResult.Unreachable unreachable:
                return Nowhere(unreachable, named);
            default:
                return new ProviderResult.Failed("the metadata service did not answer");
        }
    }

    private string Namer => ofProfile is null ? "ALIBABA_CLOUD_ECS_METADATA" : "the profile";

    internal static ProviderResult Read(string text, string role, DateTimeOffset? cloudTime) =>
        TemporaryKey.Read(Encoding.UTF8.GetBytes(text), $"RAM role {role}", cloudTime, mustSaySuccess: true);

    private static ProviderResult.NotConfigured NoRole(string why) => new(why);

    /// <summary>This may be no ECS instance at all: unless somebody named a role, the next link is asked.</summary>
    private static ProviderResult.Failed Nowhere(MetadataResult.Unreachable unreachable, string? named) =>
        new(unreachable.Line) { GoOn = string.IsNullOrEmpty(named) };

    /// <returns>Null when the instance has no such role.</returns>
    private async Task<ProviderResult?> OfRoleAsync(string name, string? named, CancellationToken cancellation)
    {
        switch (await metadata.GetAsync(Root + name, cancellation))
        {
            case MetadataResult.Found { Text: var text }:
                role = name;
                return Read(text, name, clock.Known);
            case MetadataResult.Refused refused:
                return new ProviderResult.Failed(refused.Line);
            case MetadataResult.Unreachable unreachable:
                return Nowhere(unreachable, named);
            default:
                return null;
        }
    }
}
