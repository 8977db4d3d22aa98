using System.Globalization;
using System.Text.RegularExpressions;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Names of chains and comments, by which flanneld knows its own rules. Upstream's names with the network: a chain's name has at
/// most 28 characters, hence the address as hexadecimal digits.</summary>
internal static partial class IptablesNames
{
    public static string ForwardChain(Ipv4Network network) => "FLANNEL-FWD-" + Suffix(network);

    public static string MasqueradeChain(Ipv4Network network) => "FLANNEL-POSTRTG-" + Suffix(network);

    /// <summary>Arguments of a rule, as <c>iptables-save</c> prints them.</summary>
    public static string ForwardComment(Ipv4Network network) => $"-m comment --comment \"flanneld forward {network}\"";

    public static string MasqueradeComment(Ipv4Network network) => $"-m comment --comment \"flanneld masq {network}\"";

    /// <param name="network">Null for any network.</param>
    public static bool IsOwnChain(string chain, Ipv4Network? network) => network is { } known
        ? chain == ForwardChain(known) || chain == MasqueradeChain(known)
        : Chain().IsMatch(chain);

    /// <summary>Whether flanneld made this rule in a chain of another program.</summary>
    /// <param name="network">Null for any network.</param>
    public static bool IsOwnRule(string rule, Ipv4Network? network) => network is { } known
        ? rule.Contains(ForwardComment(known), StringComparison.Ordinal)
            || rule.Contains(MasqueradeComment(known), StringComparison.Ordinal)
        : Comment().IsMatch(rule);

    private static string Suffix(Ipv4Network network) =>
        string.Create(CultureInfo.InvariantCulture, $"{network.Address.Value:X8}-{network.Length}");

    [GeneratedRegex("^FLANNEL-(FWD|POSTRTG)-[0-9A-F]{8}-[0-9]{1,2}$")]
    private static partial Regex Chain();

    [GeneratedRegex("""--comment "flanneld (forward|masq) [0-9.]+/[0-9]{1,2}"( |$)""")]
    private static partial Regex Comment();
}
