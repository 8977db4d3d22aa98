namespace AliCloud.Simulator.Api;

/// <summary>A request as it was sent. Header names are lower case; several values of a name are joined by commas.</summary>
internal sealed record SignedRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The older form of a call; null for the present one, whose common parameters are headers.</summary>
    public RpcRequest? Rpc { get; init; }

    public string? Action => Rpc is null ? Header("x-acs-action") : Rpc["Action"];

    public string? Version => Rpc is null ? Header("x-acs-version") : Rpc["Version"];

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;
}

/// <summary>The caller of an action, for the check of its permissions.</summary>
internal sealed record Principal(string AccessKeyId, string Name, string Type, string? InstanceId, IReadOnlyList<string> DeniedActions)
{
    /// <summary>The name in a trust policy: the id of a permanent key, or the name of a role.</summary>
    public string Identity => Name.Split(':')[0];

    public bool IsDenied(string action) => DeniedActions.Any(d =>
        d.EndsWith('*') ? action.StartsWith(d[..^1], StringComparison.OrdinalIgnoreCase) : d.Equals(
            action, StringComparison.OrdinalIgnoreCase));
}

internal abstract record Verification;

internal sealed record Verified(Principal Principal) : Verification;

internal sealed record NotVerified(ApiError Error) : Verification;
