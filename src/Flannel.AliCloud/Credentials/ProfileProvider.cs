using System.Security.Cryptography;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A profile of a file in the home folder: of the CLI's <c>~/.aliyun/config.json</c> or of the SDKs' <c>~/.alibabacloud/credentials</c>. The
/// file is read again when it changes.</summary>
internal sealed class ProfileProvider : ICredentialProvider
{
    /// <summary>A chain of profiles that is longer leads in a circle.</summary>
    private const int LongestChain = 8;

    private readonly bool isCli;
    private readonly Func<string, string?> environment;
    private readonly MetadataClient metadata;
    private readonly StsClient sts;
    private readonly CloudClock clock;
    private WatchedFile? file;
    private ICredentialProvider? inner;

    private ProfileProvider(bool isCli, Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock) =>
        (this.isCli, this.environment, this.metadata, this.sts, this.clock, Name) =
            (isCli, environment, metadata, sts, clock, isCli ? "~/.aliyun/config.json" : "~/.alibabacloud/credentials");

    public string Name { get; private set; }

    /// <param name="environment">By name: <c>HOME</c>, <c>ALIBABA_CLOUD_PROFILE</c>, <c>ALIBABA_CLOUD_CONFIG_FILE</c>, <c>ALIBABA_CLOUD_CLI_PROFILE_DISABLED</c>.</param>
    public static ProfileProvider OfCli(Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock) =>
        new(true, environment, metadata, sts, clock);

    /// <param name="environment">By name: <c>HOME</c>, <c>ALIBABA_CLOUD_PROFILE</c>, <c>ALIBABA_CLOUD_CREDENTIALS_FILE</c>.</param>
    public static ProfileProvider OfIni(Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock) =>
        new(false, environment, metadata, sts, clock);

    public bool HasChanged() => file is not null && (file.HasChanged() || inner is not null && inner.HasChanged());

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (isCli && EnvironmentFlag.IsOn(environment("ALIBABA_CLOUD_CLI_PROFILE_DISABLED")))
            return new ProviderResult.NotConfigured($"ALIBABA_CLOUD_CLI_PROFILE_DISABLED forbids {Name}") { IsDisabled = true };
        var given = environment(isCli ? "ALIBABA_CLOUD_CONFIG_FILE" : "ALIBABA_CLOUD_CREDENTIALS_FILE");
        var isGiven = !string.IsNullOrEmpty(given);
        if (!isGiven)
        {
            if (environment("HOME") is not { Length: > 0 } home) return new ProviderResult.NotConfigured($"HOME is not set, so there is no {Name}");
            given = Path.Combine(home, isCli ? ".aliyun/config.json" : ".alibabacloud/credentials");
        }

        if (inner is null || file is null || file.Path != given || file.HasChanged())
        {
            if (file?.Path != given) file = new WatchedFile(given!);
            inner = null;
            if (Open(file!, isGiven) is { } refusal) return refusal;
        }

        return await inner!.FetchAsync(cancellation) switch
        {
            ProviderResult.Found found => found,
            ProviderResult.NotConfigured not => not with { Why = $"{Name}: {not.Why}" },
            ProviderResult.Failed failed => failed with { Line = $"{Name}: {failed.Line}", GoOn = false },
            var other => other,
        };
    }

    /// <summary>Sets the provider that the chosen profile describes, or says why there is none.</summary>
    private ProviderResult? Open(WatchedFile opened, bool isGiven)
    {
        var shown = Redaction.Path(opened.Path);
        Name = shown;
        var state = opened.Read(out var bytes, out var why);
        // The home may be another user's, or hidden from the service.
        if (state is FileState.Absent or FileState.Closed && !isGiven) return new ProviderResult.NotConfigured($"{shown} {why}");
        if (state != FileState.Read) return new ProviderResult.Failed($"{shown} {why}");
        try
        {
            if ((isCli ? ProfileFormats.Json(bytes, out var error) : ProfileFormats.Ini(bytes, out error)) is not { } profiles)
                return new ProviderResult.Failed($"{shown}: {error}");
            var name = environment("ALIBABA_CLOUD_PROFILE") is { Length: > 0 } chosen ? chosen : profiles.Current;
            if (string.IsNullOrEmpty(name)) return new ProviderResult.NotConfigured($"{shown} has no current profile");
            Name = $"profile {Shown(name)} of {shown}";
            inner = Provider(profiles, name, 1);
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private ICredentialProvider Provider(ProfileList profiles, string name, int depth)
    {
        if (profiles.Find(name) is not { } profile) return None(depth == 1 ? "there is no such profile" : $"there is no profile {Shown(name)}");
        if (profile.IsSwitchedOff) return new FixedProvider(Name, new ProviderResult.NotConfigured("the profile says enable = false") { IsDisabled = true });
        switch (profile.Mode)
        {
            case "AK" or "access_key":
                return Key(profile, null);
            case "StsToken" or "sts":
                return profile.SecurityToken is { } token ? Key(profile, token) : None("the profile has no security token");
            case "RamRoleArn" or "ram_role_arn":
                return Assumed(profile, Key(profile, profile.SecurityToken));
            case "ChainableRamRoleArn":
                if (depth == LongestChain) return Bad("its source profiles lead in a circle");
                return profile.Source is { } source ? Assumed(profile, Provider(profiles, source, depth + 1)) : Bad("the profile names no source_profile");
            case "EcsRamRole" or "ecs_ram_role":
                return new RamRoleProvider(metadata, environment, clock, profile.RoleName);
            case "OIDC" or "oidc_role_arn":
                return new OidcProvider(environment, profile, sts);
            case null:
                return None("the profile has neither mode nor type");
            default:
                // A person's sign-in in a browser, or a program to be run: nothing for a daemon.
                return None($"the profile's mode {Shown(profile.Mode)} is not for a daemon");
        }
    }

    private ICredentialProvider Assumed(Profile profile, ICredentialProvider source) =>
        AssumedRole.Create(
            profile.RoleArn ?? environment("ALIBABA_CLOUD_ROLE_ARN")?.Trim(), profile.SessionName ?? environment("ALIBABA_CLOUD_ROLE_SESSION_NAME")?.Trim(),
            profile.ExternalId, profile.Policy, profile.DurationSeconds, profile.StsRegion, out var error) is { } role
            ? new AssumedRoleProvider(role, source, sts)
            : Bad(error);

    private FixedProvider Key(Profile profile, string? token)
    {
        if (profile.AccessKeyId is null || profile.AccessKeySecret is null) return None("the profile holds no key");
        return AccessKey.Create(profile.AccessKeyId.Trim(), profile.AccessKeySecret.Trim(), token?.Trim(), null, out var error) is { } key
            ? new FixedProvider(Name, new ProviderResult.Found(key))
            : Bad(error);
    }

    private FixedProvider None(string why) => new(Name, new ProviderResult.NotConfigured(why));

    private FixedProvider Bad(string why) => new(Name, new ProviderResult.Failed(why));

    private static string Shown(string text) => CloudErrors.Line(text, 64);
}
