using System.Text.Json;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flanneld.Backends;

/// <summary>The settings of <c>ali-vpc</c> in the <c>Backend</c> object of the network configuration. Names match in any case, as in Go;
/// unknown ones are ignored. Immutable.</summary>
/// <param name="AccessKey">Null when the configuration has none, which is recommended.</param>
/// <param name="RegionId">Null for the region of the nodes.</param>
/// <param name="RouteTableIds">Empty for the tables that serve the nodes' vSwitches.</param>
public sealed record AliVpcBackendConfig(AccessKey? AccessKey, string? RegionId, IReadOnlyList<string> RouteTableIds)
{
    public static readonly AliVpcBackendConfig Empty = new(null, null, []);

    private static readonly string[] PropertyNames =
        ["Type", "AccessKeyID", "AccessKeySecret", "RegionID", "RouteTableID", "RoleArn", "RoleSessionName", "ExternalID", "Fallback"];

    /// <summary>The role that writes the routes, such as one of the account that owns the VPC; null to use the access key itself.</summary>
    public AssumedRole? Role { get; init; }

    /// <summary>The tunnel by which a node is reached while its route cannot be created; null without one.</summary>
    internal VxlanBackendConfig? Fallback { get; private init; }

    public ConfiguredCredentials Credentials => new(AccessKey, RegionId, Role);

    /// <summary>The error names the property and its required form. It quotes no value: a secret may be in the wrong place.</summary>
    /// <param name="backend">Undefined for a configuration without one.</param>
    public static Result<AliVpcBackendConfig> Parse(JsonElement backend)
    {
        if (backend.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return Empty;
        if (backend.ValueKind != JsonValueKind.Object) return Result.Failure("Backend must be an object");
        var properties = new Properties();
        foreach (var property in backend.EnumerateObject())
        {
            var read = properties.Read(property);
            if (!read.Ok) return Result.Failure(read.Error);
        }

        var config = Create(properties);
        if (!config.Ok || !properties.HasFallback) return config;
        var tunnel = VxlanBackendConfig.Parse(backend);
        if (!tunnel.Ok) return Result.Failure(tunnel.Error);
        // A direct route is neither a route of the VPC nor the tunnel, and a vSwitch may not forward its packets (docs/vxlan.md).
        return tunnel.Value.DirectRouting
            ? Result.Failure("Backend.DirectRouting cannot be combined with Fallback: remove one of them")
            : config.Value with { Fallback = tunnel.Value };
    }

    /// <summary>Ignored properties that are probably misspelt, one line each. No value is quoted.</summary>
    public static IReadOnlyList<string> Warnings(JsonElement backend)
    {
        if (backend.ValueKind != JsonValueKind.Object) return [];
        var lines = new List<string>();
        var names = Parse(backend) is { Ok: true, Value.Fallback: not null }
            ? [.. PropertyNames, .. VxlanBackendConfig.PropertyNames]
            : PropertyNames;
        foreach (var property in backend.EnumerateObject())
        {
            if (TryGetName(property, out var name) && Suggestion.ForAnyCase(name, names) is { } nearest)
                lines.Add($"unknown property {name} inside Backend is ignored: did you mean {nearest}?");
        }

        return lines;
    }

    /// <summary>Without the access key; only whether there is one.</summary>
    public override string ToString()
    {
        var tables = RouteTableIds.Count == 0 ? "of the vSwitches" : string.Join(", ", RouteTableIds);
        var key = AccessKey is null ? "" : ", with an access key";
        var role = Role is null ? "" : $", as {Role.Name}";
        var fallback = Fallback is null ? "" : $", fallback {FlannelContract.VxlanBackend} ({Fallback})";
        return $"region {RegionId ?? "of the node"}, tables {tables}{key}{role}{fallback}";
    }

    private static Result<AliVpcBackendConfig> Create(Properties given)
    {
        if (given.Region is { } region && !ResourceIdFormat.IsRegionId(region))
            return Result.Failure("Backend.RegionID must be a region id such as \"cn-hangzhou\"");
        if (given.KeyId is null && given.KeySecret is not null)
            return Result.Failure("Backend.AccessKeySecret is given without AccessKeyID");
        if (given.KeyId is not null && given.KeySecret is null)
            return Result.Failure("Backend.AccessKeyID is given without AccessKeySecret");
        if (given.Role is null && given.RoleSession is not null) return Result.Failure("Backend.RoleSessionName is given without RoleArn");
        if (given.Role is null && given.ExternalId is not null) return Result.Failure("Backend.ExternalID is given without RoleArn");

        AssumedRole? role = null;
        if (given.Role is not null)
        {
            var created = AssumedRole.Create(new AssumedRoleOptions
            {
                Arn = given.Role,
                SessionName = given.RoleSession,
                ExternalId = given.ExternalId,
            });
            if (!created.Ok) return Result.Failure($"Backend.RoleArn: {created.Error}");
            role = created.Value;
        }

        AccessKey? key = null;
        if (given.KeyId is not null)
        {
            var created = AccessKey.Create(given.KeyId, given.KeySecret);
            if (!created.Ok) return Result.Failure($"Backend: {created.Error}");
            key = created.Value;
        }

        return new AliVpcBackendConfig(key, given.Region, given.Tables) { Role = role };
    }

    /// <summary>False for a name that is not valid Unicode text.</summary>
    private static bool TryGetName(JsonProperty property, out string name)
    {
        try
        {
            name = property.Name;
            return true;
        }
        catch (InvalidOperationException)
        {
            name = "";
            return false;
        }
    }

    /// <summary>False for half a surrogate pair, which JSON allows and which is not valid Unicode text.</summary>
    private static bool TryGetString(JsonElement element, out string text)
    {
        try
        {
            text = element.GetString() ?? "";
            return true;
        }
        catch (InvalidOperationException)
        {
            text = "";
            return false;
        }
    }

    /// <summary>The properties as they are given. Null and the empty string mean "not given".</summary>
    private sealed class Properties
    {
        public string? KeyId { get; private set; }

        public string? KeySecret { get; private set; }

        public string? Region { get; private set; }

        public string? Role { get; private set; }

        public string? RoleSession { get; private set; }

        public string? ExternalId { get; private set; }

        public IReadOnlyList<string> Tables { get; private set; } = [];

        public bool HasFallback { get; private set; }

        public Result<Unit> Read(JsonProperty property)
        {
            if (!TryGetName(property, out var name)) return Result.Failure("Backend has a property whose name is not valid text");
            return name.ToUpperInvariant() switch
            {
                "ACCESSKEYID" => ReadText(property, "AccessKeyID", text => KeyId = text),
                "ACCESSKEYSECRET" => ReadText(property, "AccessKeySecret", text => KeySecret = text),
                "REGIONID" => ReadText(property, "RegionID", text => Region = text),
                "ROUTETABLEID" => ReadTables(property.Value),
                "ROLEARN" => ReadText(property, "RoleArn", text => Role = text),
                "ROLESESSIONNAME" => ReadText(property, "RoleSessionName", text => RoleSession = text),
                "EXTERNALID" => ReadText(property, "ExternalID", text => ExternalId = text),
                "FALLBACK" => ReadFallback(property),
                _ => Unit.Instance,
            };
        }

        private static Result<Unit> ReadText(JsonProperty property, string name, Action<string?> set)
        {
            var text = "";
            if (property.Value.ValueKind != JsonValueKind.Null
                && (property.Value.ValueKind != JsonValueKind.String || !TryGetString(property.Value, out text)))
                return Result.Failure($"Backend.{name} must be a string");
            set(text.Length == 0 ? null : text);
            return Unit.Instance;
        }

        private Result<Unit> ReadFallback(JsonProperty property)
        {
            string? type = null;
            var read = ReadText(property, "Fallback", text => type = text);
            if (!read.Ok) return read;
            HasFallback = type is not null;
            return type is null or FlannelContract.VxlanBackend
                ? read
                : Result.Failure($"Backend.Fallback must be \"{FlannelContract.VxlanBackend}\"");
        }

        private Result<Unit> ReadTables(JsonElement value)
        {
            List<string> tables = [];
            IEnumerable<JsonElement> elements = value.ValueKind switch
            {
                JsonValueKind.Null => [],
                JsonValueKind.Array => value.EnumerateArray(),
                _ => [value],
            };
            foreach (var element in elements)
            {
                if (element.ValueKind != JsonValueKind.String || !TryGetString(element, out var text)
                    || (text.Length > 0 && !ResourceIdFormat.IsRouteTableId(text)))
                    return Result.Failure("Backend.RouteTableID must be the id of a route table such as \"vtb-bp1…\", or an array of them");
                if (text.Length > 0 && !tables.Contains(text)) tables.Add(text);
            }

            Tables = tables;
            return Unit.Instance;
        }
    }
}
