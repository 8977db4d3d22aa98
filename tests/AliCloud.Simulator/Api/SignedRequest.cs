namespace AliCloud.Simulator.Api;

/// <summary>A request as it came over the wire. Header names are lower case; several values of one name are joined by commas.</summary>
internal sealed record SignedRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;
}

/// <summary>Who made a call, as far as the right to make it goes.</summary>
internal sealed record Principal(string AccessKeyId, string Name, string Type, string? InstanceId, IReadOnlyList<string> DeniedActions)
{
    /// <summary>As a trust policy names it: the id of a permanent key, the name of a role.</summary>
    public string Identity => Name.Split(':')[0];

    public bool MayNot(string action) => DeniedActions.Any(d =>
        d.EndsWith('*') ? action.StartsWith(d[..^1], StringComparison.OrdinalIgnoreCase) : d.Equals(action, StringComparison.OrdinalIgnoreCase));
}

internal abstract record Verification;

internal sealed record Verified(Principal Principal) : Verification;

internal sealed record NotVerified(Refused Refusal) : Verification;
