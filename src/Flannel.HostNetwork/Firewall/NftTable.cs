using System.Globalization;
using System.Text;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The masquerade rules as one table of nftables, which nft replaces as a whole. Pure.</summary>
internal static class NftTable
{
    /// <summary>The beginning of the name of every table of flanneld.</summary>
    public const string Prefix = "flannel_ali_vpc";

    /// <summary>nft's name of the family.</summary>
    public static string FamilyOf(bool isV6) => isV6 ? "ip6" : "ip";

    /// <summary>A name of nft has no colons.</summary>
    public static string NameOf(IpNetwork network) => $"{Prefix}_{network.Address.ToString().Replace(':', '_')}_{network.Length}";

    /// <summary>Replaces the table in one transaction.</summary>
    public static string Compose(FirewallRules rules)
    {
        var (family, table) = (FamilyOf(rules.Network.IsV6), NameOf(rules.Network));
        var text = new StringBuilder(Delete(family, table));
        text.Append(CultureInfo.InvariantCulture, $"table {family} {table} {{\n  chain postrouting {{\n");
        text.Append("    type nat hook postrouting priority srcnat; policy accept;\n");
        foreach (var rule in MasqueradeRule.Compose(rules))
            text.Append("    ").Append(Format(rule, family, rules.IsFullyRandom)).Append('\n');
        return text.Append("  }\n}\n").ToString();
    }

    /// <summary>The first line creates the table if there is none, so that the deletion succeeds.</summary>
    public static string Delete(string family, string table) => $"table {family} {table}\ndelete table {family} {table}\n";

    /// <param name="listing">The output of <c>nft list tables</c> for one family.</param>
    /// <returns>The names of flanneld's tables.</returns>
    public static IReadOnlyList<string> FindOwn(string listing) =>
    [
        .. listing.Split('\n').Select(line => line.Trim().Split(' ')[^1])
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)),
    ];

    private static string Format(MasqueradeRule rule, string family, bool isFullyRandom)
    {
        List<string> parts = [];
        if (rule.IsForMarked) parts.Add($"meta mark & 0x{MasqueradeRule.KubeProxyMark:x} == 0x{MasqueradeRule.KubeProxyMark:x}");
        if (rule.Source is { } source) parts.Add($"{family} saddr {Format(source)}");
        if (rule.Destination is { } destination) parts.Add($"{family} daddr {Format(destination)}");
        parts.Add(rule.Action == MasqueradeAction.Return ? "return" : "masquerade");
        if (rule.Action == MasqueradeAction.Masquerade && isFullyRandom) parts.Add("fully-random");
        return string.Join(' ', parts);
    }

    private static string Format(AddressMatch match) => (match.IsNegated ? "!= " : "") + match.Range;
}
