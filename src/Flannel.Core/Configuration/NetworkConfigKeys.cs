namespace Flannel.Core.Configuration;

/// <summary>The property names of the configuration. An unknown one is ignored, as in upstream. One that is similar to a known name, or
/// belongs to another object, is probably a mistake.</summary>
internal static class NetworkConfigKeys
{
    private const string Backend = "Backend";

    private static readonly string[] Names =
    [
        "EnableIPv4", "EnableIPv6", "EnableNFTables", "Network", "IPv6Network", "SubnetMin", "SubnetMax", "IPv6SubnetMin", "IPv6SubnetMax",
        "SubnetLen", "IPv6SubnetLen", Backend,
    ];

    /// <summary>Properties of the backends, which are sometimes written beside <c>Network</c>.</summary>
    private static readonly string[] BackendNames =
    [
        "Type", "AccessKeyID", "AccessKeySecret", "RegionID", "RouteTableID", "RoleArn", "RoleSessionName", "ExternalID",
        "VNI", "Port", "MTU", "GBP", "Learning", "DirectRouting",
    ];

    /// <summary>A warning about a property beside <c>Network</c>, without its value; null if there is none.</summary>
    public static string? Warning(string name)
    {
        if (IsOneOf(Names, name)) return null;
        if (IsOneOf(BackendNames, name)) return $"{name} has no effect here: it belongs inside {Backend}";
        return Suggestion.ForAnyCase(name, Names) is { } nearest ? $"unknown property {name} is ignored: did you mean {nearest}?" : null;
    }

    /// <summary>The same for a property inside <c>Backend</c>. The backend itself checks its own names.</summary>
    /// <param name="backend">As the operator wrote it.</param>
    public static string? WarningInBackend(string backend, string name) =>
        IsOneOf(Names, name) ? $"{name} inside {backend} has no effect: it belongs beside Network" : null;

    private static bool IsOneOf(string[] names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
