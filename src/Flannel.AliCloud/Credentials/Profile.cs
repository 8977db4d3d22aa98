namespace Flannel.AliCloud.Credentials;

/// <summary>A profile of the CLI's <c>config.json</c>, or a section of the SDKs' INI file. Both have the same fields with different
/// names.</summary>
internal sealed class Profile(string name)
{
    private readonly Dictionary<string, string> fields = new(StringComparer.Ordinal);

    public string Name => name;

    /// <summary>The CLI's <c>mode</c> or the INI's <c>type</c>.</summary>
    public string? Mode => Field("mode") ?? Field("type");

    /// <summary>The field <c>enable</c>, which only some SDKs support.</summary>
    public bool IsDisabled => string.Equals(Field("enable"), "false", StringComparison.OrdinalIgnoreCase);

    public string? AccessKeyId => Field("access_key_id");

    public string? AccessKeySecret => Field("access_key_secret");

    public string? SecurityToken => Field("sts_token") ?? Field("security_token");

    public string? RoleArn => Field("ram_role_arn") ?? Field("role_arn");

    public string? SessionName => Field("ram_session_name") ?? Field("role_session_name");

    public string? DurationSeconds => Field("expired_seconds") ?? Field("role_session_expiration");

    public string? ExternalId => Field("external_id");

    public string? Policy => Field("policy");

    public string? StsRegion => Field("sts_region");

    /// <summary>The name of the profile whose key assumes the role.</summary>
    public string? SourceProfile => Field("source_profile");

    /// <summary>The RAM role of the instance.</summary>
    public string? RoleName => Field("ram_role_name") ?? Field("role_name");

    public string? OidcProviderArn => Field("oidc_provider_arn");

    public string? OidcTokenFile => Field("oidc_token_file") ?? Field("oidc_token_file_path");

    public void Set(string field, string value) => fields[field] = value;

    private string? Field(string field) => fields.TryGetValue(field, out var value) && value.Length > 0 ? value : null;
}

/// <summary>The profiles of a file, and the name of its current profile.</summary>
/// <param name="current">Null if the file names none.</param>
internal sealed class ProfileList(IReadOnlyList<Profile> profiles, string? current)
{
    public string? Current => current;

    public Profile? Find(string name)
    {
        foreach (var profile in profiles)
            if (profile.Name == name) return profile;
        return null;
    }
}
