using System.Text.Json;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;

namespace Flanneld.Backends;

/// <summary>What the <c>Backend</c> object of the network config says to <c>ali-vpc</c>. Names match in any case, as in Go; unknown ones are ignored.</summary>
/// <param name="AccessKey">Null when the config has none: the better way.</param>
/// <param name="RegionId">Null for the region of the nodes.</param>
/// <param name="RouteTableIds">Empty for the tables that serve the nodes' vSwitches.</param>
public sealed record AliVpcBackendConfig(AccessKey? AccessKey, string? RegionId, IReadOnlyList<string> RouteTableIds)
{
    public static readonly AliVpcBackendConfig Empty = new(null, null, []);

    private static readonly string[] PropertyNames =
        ["Type", "AccessKeyID", "AccessKeySecret", "RegionID", "RouteTableID", "RoleArn", "RoleSessionName", "ExternalID"];

    /// <summary>The role that the routes are written as, such as one of the account that the VPC belongs to; null to use the found key itself.</summary>
    public AssumedRole? Role { get; init; }

    public ConfiguredCredentials Credentials => new(AccessKey, RegionId, Role);

    /// <param name="backend">Undefined for a config without one.</param>
    /// <param name="error">Empty, or one line that names the property and what it should be. It quotes no value: a secret may stand in the wrong place.</param>
    /// <returns>Null when it is refused.</returns>
    public static AliVpcBackendConfig? Parse(JsonElement backend, out string error)
    {
        error = "";
        if (backend.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return Empty;
        if (backend.ValueKind != JsonValueKind.Object)
        {
            error = "Backend must be an object";
            return null;
        }

        string? id = null, secret = null, region = null, role = null, session = null, externalId = null;
        List<string> tables = [];
        foreach (var property in backend.EnumerateObject())
        {
            if (!TryName(property, out var name))
            {
                error = "Backend has a property whose name is not a text";
                return null;
            }

            error = name.ToUpperInvariant() switch
            {
                "ACCESSKEYID" => Text(property, out id),
                "ACCESSKEYSECRET" => Text(property, out secret),
                "REGIONID" => Text(property, out region),
                "ROUTETABLEID" => Tables(property, out tables),
                "ROLEARN" => Text(property, out role),
                "ROLESESSIONNAME" => Text(property, out session),
                "EXTERNALID" => Text(property, out externalId),
                _ => "",
            };
            if (error.Length > 0) return null;
        }

        if (region is not null && !ResourceIdFormat.IsRegion(region)) error = "Backend.RegionID must be the id of a region such as \"cn-hangzhou\"";
        else if (id is null != secret is null)
            error = $"Backend.{(id is null ? "AccessKeySecret" : "AccessKeyID")} is given without {(id is null ? "AccessKeyID" : "AccessKeySecret")}";
        else if (role is null && (session ?? externalId) is not null)
            error = $"Backend.{(session is null ? "ExternalID" : "RoleSessionName")} is given without RoleArn";
        if (error.Length > 0) return null;

        var assumed = role is null ? null : AssumedRole.Create(role, session, externalId, null, null, null, out error);
        if (error.Length > 0) error = $"Backend.RoleArn: {error}";
        if (error.Length > 0) return null;
        if (id is null) return new AliVpcBackendConfig(null, region, tables) { Role = assumed };

        var key = AccessKey.Create(id, secret, null, null, out var why);
        if (key is null) error = $"Backend: {why}";
        return key is null ? null : new AliVpcBackendConfig(key, region, tables) { Role = assumed };
    }

    /// <summary>Properties that are ignored and probably misspelt, a line each. No value is quoted.</summary>
    public static IReadOnlyList<string> Warnings(JsonElement backend)
    {
        if (backend.ValueKind != JsonValueKind.Object) return [];
        var lines = new List<string>();
        foreach (var property in backend.EnumerateObject())
        {
            if (TryName(property, out var name) && Suggestion.ForAnyCase(name, PropertyNames) is { } nearest)
                lines.Add($"unknown property {name} inside Backend is ignored: did you mean {nearest}?");
        }

        return lines;
    }

    /// <summary>Tells of a key only that there is one.</summary>
    public override string ToString() =>
        $"region {RegionId ?? "of the node"}, tables {(RouteTableIds.Count == 0 ? "of the vSwitches" : string.Join(", ", RouteTableIds))}{(AccessKey is null ? "" : ", with an access key")}{(Role is null ? "" : $", as {Role.Name}")}";

    /// <summary>Null and the empty text are "not given".</summary>
    private static string Text(JsonProperty property, out string? text)
    {
        text = null;
        if (property.Value.ValueKind == JsonValueKind.Null) return "";
        if (property.Value.ValueKind != JsonValueKind.String || !TryString(property.Value, out var value)) return $"Backend.{Canonical(property)} must be a string";
        text = value.Length == 0 ? null : value;
        return "";
    }

    private static string Tables(JsonProperty property, out List<string> tables)
    {
        tables = [];
        var value = property.Value;
        if (value.ValueKind == JsonValueKind.Null) return "";
        IEnumerable<JsonElement> elements = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        foreach (var element in elements)
        {
            if (element.ValueKind != JsonValueKind.String || !TryString(element, out var text) || (text.Length > 0 && !ResourceIdFormat.IsRouteTable(text)))
                return "Backend.RouteTableID must be the id of a route table such as \"vtb-bp1…\", or an array of them";
            if (text.Length > 0 && !tables.Contains(text)) tables.Add(text);
        }

        return "";
    }

    /// <summary>The parser lets through what is no UTF-8, and half of a surrogate pair.</summary>
    private static bool TryName(JsonProperty property, out string name)
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

    /// <summary>A JSON string may hold half a surrogate pair, which is no text.</summary>
    private static bool TryString(JsonElement element, out string text)
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

    private static string Canonical(JsonProperty property) => property.Name.ToUpperInvariant() switch
    {
        "ACCESSKEYID" => "AccessKeyID",
        "ACCESSKEYSECRET" => "AccessKeySecret",
        "ROLEARN" => "RoleArn",
        "ROLESESSIONNAME" => "RoleSessionName",
        "EXTERNALID" => "ExternalID",
        _ => "RegionID",
    };
}
