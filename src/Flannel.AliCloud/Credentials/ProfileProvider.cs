using System.Security.Cryptography;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>A profile of a file in the home directory: of the CLI's <c>~/.aliyun/config.json</c> or of the SDKs'
/// <c>~/.alibabacloud/credentials</c>. The file is read again when it changes.</summary>
internal sealed class ProfileProvider : ICredentialProvider
{
    /// <summary>A longer chain of source profiles is treated as a cycle.</summary>
    private const int MaxSourceProfiles = 8;

    private const int MaxShownLength = 64;

    private readonly ProfileFile kind;
    private readonly Func<string, string?> environment;
    private readonly MetadataClient metadata;
    private readonly StsClient sts;
    private readonly CloudClock clock;
    private WatchedFile? file;
    private ICredentialProvider? provider;

    private ProfileProvider(ProfileFile kind, Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock)
    {
        (this.kind, this.environment, this.metadata, this.sts, this.clock) = (kind, environment, metadata, sts, clock);
        Name = $"~/{kind.HomePath}";
    }

    public string Name { get; private set; }

    /// <param name="environment">Returns the value of <c>HOME</c>, <c>ALIBABA_CLOUD_PROFILE</c>, <c>ALIBABA_CLOUD_CONFIG_FILE</c> and
    /// <c>ALIBABA_CLOUD_CLI_PROFILE_DISABLED</c>.</param>
    public static ProfileProvider FromCli(Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock) =>
        new(new ProfileFile(
                ".aliyun/config.json", SdkEnvironment.CliConfigFile, SdkEnvironment.CliProfileDisabled, ProfileFormats.ParseJson),
            environment, metadata, sts, clock);

    /// <param name="environment">Returns the value of <c>HOME</c>, <c>ALIBABA_CLOUD_PROFILE</c> and
    /// <c>ALIBABA_CLOUD_CREDENTIALS_FILE</c>.</param>
    public static ProfileProvider FromIni(Func<string, string?> environment, MetadataClient metadata, StsClient sts, CloudClock clock) =>
        new(new ProfileFile(".alibabacloud/credentials", SdkEnvironment.CredentialsFile, null, ProfileFormats.ParseIni),
            environment, metadata, sts, clock);

    public bool HasChanged() => file is not null && (file.HasChanged() || provider is not null && provider.HasChanged());

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (kind.DisabledVariable is { } variable && SdkEnvironment.IsTrue(environment, variable))
            return new ProviderResult.NotConfigured($"{variable} disables {Name}") { IsDisabled = true };
        var path = environment(kind.PathVariable);
        var isConfigured = !string.IsNullOrEmpty(path);
        if (!isConfigured)
        {
            if (environment("HOME") is not { Length: > 0 } home)
                return new ProviderResult.NotConfigured($"HOME is not set, so there is no {Name}");
            path = Path.Combine(home, kind.HomePath);
        }

        if (provider is null || file is null || file.Path != path || file.HasChanged())
        {
            if (file?.Path != path) file = new WatchedFile(path!);
            provider = null;
            if (OpenProfile(file!, isConfigured) is { } problem) return problem;
        }

        return await provider!.FetchAsync(cancellation) switch
        {
            ProviderResult.Found found => found,
            ProviderResult.NotConfigured notConfigured => notConfigured with { Reason = $"{Name}: {notConfigured.Reason}" },
            ProviderResult.Failed failed => failed with { Reason = $"{Name}: {failed.Reason}", IsImplicit = false },
            var other => other,
        };
    }

    /// <summary>Creates the provider of the selected profile. Null on success.</summary>
    private ProviderResult? OpenProfile(WatchedFile opened, bool isConfigured)
    {
        var path = Redaction.Path(opened.Path);
        Name = path;
        var result = opened.Read();
        if (result is SmallFileResult.Unusable unusable)
        {
            // The home directory may belong to another user, or may be hidden from the service.
            return unusable.Fault is SmallFileFault.Missing or SmallFileFault.Denied && !isConfigured
                ? new ProviderResult.NotConfigured($"{path} {unusable.Reason}")
                : new ProviderResult.Failed($"{path} {unusable.Reason}");
        }

        var content = ((SmallFileResult.Present)result).Content;
        try
        {
            var profiles = kind.Parse(content);
            if (!profiles.Ok) return new ProviderResult.Failed($"{path}: {profiles.Error}");
            var name = environment(SdkEnvironment.Profile) is { Length: > 0 } selected ? selected : profiles.Value.Current;
            if (string.IsNullOrEmpty(name)) return new ProviderResult.NotConfigured($"{path} has no current profile");
            Name = $"profile {Shown(name)} of {path}";
            provider = CreateProvider(profiles.Value, name, 1);
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <param name="depth">1 for the selected profile; one more for each source profile.</param>
    private ICredentialProvider CreateProvider(ProfileList profiles, string name, int depth)
    {
        if (profiles.Find(name) is not { } profile)
            return NotConfigured(depth == 1 ? "there is no such profile" : $"there is no profile {Shown(name)}");
        if (profile.IsDisabled)
            return new FixedProvider(Name, new ProviderResult.NotConfigured("the profile has enable = false") { IsDisabled = true });
        switch (profile.Mode)
        {
            case "AK" or "access_key":
                return Key(profile, null);
            case "StsToken" or "sts":
                return profile.SecurityToken is { } token ? Key(profile, token) : NotConfigured("the profile has no security token");
            case "RamRoleArn" or "ram_role_arn":
                return AssumeRole(profile, Key(profile, profile.SecurityToken));
            case "ChainableRamRoleArn":
                if (depth == MaxSourceProfiles) return Failed("its source profiles form a cycle");
                return profile.SourceProfile is { } source
                    ? AssumeRole(profile, CreateProvider(profiles, source, depth + 1))
                    : Failed("the profile has no source_profile");
            case "EcsRamRole" or "ecs_ram_role":
                return new RamRoleProvider(metadata, environment, clock, profile.RoleName);
            case "OIDC" or "oidc_role_arn":
                return new OidcProvider(environment, profile, sts);
            case null:
                return NotConfigured("the profile has neither mode nor type");
            default:
                // Such as a sign-in in a browser, or an external program.
                return NotConfigured($"mode {Shown(profile.Mode)} of the profile is not supported by a daemon");
        }
    }

    private ICredentialProvider AssumeRole(Profile profile, ICredentialProvider source)
    {
        var role = AssumedRole.Create(new AssumedRoleOptions
        {
            Arn = profile.RoleArn ?? environment(SdkEnvironment.RoleArn)?.Trim(),
            SessionName = profile.SessionName ?? environment(SdkEnvironment.RoleSessionName)?.Trim(),
            ExternalId = profile.ExternalId,
            Policy = profile.Policy,
            DurationSeconds = profile.DurationSeconds,
            RegionId = profile.StsRegion,
        });
        return role.Ok ? new AssumedRoleProvider(role.Value, source, sts) : Failed(role.Error);
    }

    private FixedProvider Key(Profile profile, string? token)
    {
        if (profile.AccessKeyId is null || profile.AccessKeySecret is null) return NotConfigured("the profile has no access key");
        var key = AccessKey.Create(profile.AccessKeyId.Trim(), profile.AccessKeySecret.Trim(), token?.Trim());
        return new FixedProvider(Name, ProviderResult.From(key));
    }

    private FixedProvider NotConfigured(string reason) => new(Name, new ProviderResult.NotConfigured(reason));

    private FixedProvider Failed(string reason) => new(Name, new ProviderResult.Failed(reason));

    private static string Shown(string text) => CloudErrors.OneLine(text, MaxShownLength);

    /// <param name="HomePath">Relative to the home directory.</param>
    /// <param name="PathVariable">The variable with another path.</param>
    /// <param name="DisabledVariable">The variable that disables the provider; null without one.</param>
    private sealed record ProfileFile(
        string HomePath, string PathVariable, string? DisabledVariable, Func<ReadOnlyMemory<byte>, Result<ProfileList>> Parse);
}
