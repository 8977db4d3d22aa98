using System.Text.Json;
using Flannel.Core.Configuration;

namespace Flanneld.Node;

/// <summary>Which keys of the network configuration a running node sees changed, for its log. Pure.</summary>
/// <remarks>It compares the values that the node uses, with their defaults, and shows only values that are known to be no secret. What an
/// operator is about to write is compared as text: <see cref="Commands.Config.ConfigDifference"/>.</remarks>
internal static class ChangedConfigKeys
{
    /// <summary>The properties of <c>Backend</c> whose values may be shown. Another one may hold a secret, or a secret by
    /// mistake.</summary>
    private static readonly string[] Shown =
        ["Type", "RegionID", "RouteTableID", "Fallback", "VNI", "Port", "MTU", "GBP", "Learning", "DirectRouting"];

    private const string None = "none";

    /// <summary>One text for each key, such as <c>SubnetLen 24 -> 26</c>.</summary>
    /// <param name="now">Valid and supported by this build.</param>
    public static IReadOnlyList<string> Between(NetworkConfig before, NetworkConfig now)
    {
        List<string> differences = [];
        Add("Network", before.Network, now.Network);
        Add("SubnetLen", before.SubnetLength, now.SubnetLength);
        Add("SubnetMin", before.SubnetMin, now.SubnetMin);
        Add("SubnetMax", before.SubnetMax, now.SubnetMax);
        Add("EnableIPv6", before.Ipv6 is not null, now.Ipv6 is not null);
        if (before.Ipv6 is not null && now.Ipv6 is not null) Add("IPv6", before.Ipv6, now.Ipv6);
        Add("EnableNFTables", Text(before.EnableNfTables), Text(now.EnableNfTables));
        differences.AddRange(BetweenBackends(before.Backend, now.Backend));
        return differences;

        void Add(string key, object old, object current)
        {
            if (!old.Equals(current)) differences.Add($"{key} {old} -> {current}");
        }
    }

    private static string Text(bool? value) => value?.ToString() ?? None;

    private static IEnumerable<string> BetweenBackends(JsonElement before, JsonElement now)
    {
        var (old, current) = (PropertiesOf(before), PropertiesOf(now));
        foreach (var name in old.Keys.Union(current.Keys, StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal))
        {
            var (was, becomes) = (old.GetValueOrDefault(name, None), current.GetValueOrDefault(name, None));
            if (was == becomes) continue;
            yield return Shown.Contains(name, StringComparer.OrdinalIgnoreCase)
                ? $"Backend.{name} {was} -> {becomes}"
                : $"Backend.{name} {Verb(old, current, name)}";
        }
    }

    private static string Verb(Dictionary<string, string> old, Dictionary<string, string> current, string name)
    {
        if (!old.ContainsKey(name)) return "added";
        return current.ContainsKey(name) ? "changed" : "removed";
    }

    /// <summary>The names match in any case, as in Go; the last one counts.</summary>
    private static Dictionary<string, string> PropertiesOf(JsonElement backend)
    {
        var properties = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (backend.ValueKind != JsonValueKind.Object) return properties;
        foreach (var property in backend.EnumerateObject()) properties[property.Name] = property.Value.GetRawText();
        return properties;
    }
}
