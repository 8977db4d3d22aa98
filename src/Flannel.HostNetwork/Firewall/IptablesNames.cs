using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Names of chains and comments, by which flanneld knows its own rules. Upstream's names with the network: a chain's name has at
/// most 28 characters, hence the address as hexadecimal digits.</summary>
internal static partial class IptablesNames
{
    public static string ForwardChain(IpNetwork network) => "FLANNEL-FWD-" + Suffix(network);

    public static string MasqueradeChain(IpNetwork network) => "FLANNEL-POSTRTG-" + Suffix(network);

    /// <summary>Arguments of a rule, as <c>iptables-save</c> prints them.</summary>
    public static string ForwardComment(IpNetwork network) => $"-m comment --comment \"flanneld forward {network}\"";

    public static string MasqueradeComment(IpNetwork network) => $"-m comment --comment \"flanneld masq {network}\"";

    /// <param name="network">Null for any network.</param>
    public static bool IsOwnChain(string chain, IpNetwork? network) => network is { } known
        ? chain == ForwardChain(known) || chain == MasqueradeChain(known)
        : Chain().IsMatch(chain);

    /// <summary>Whether flanneld made this rule in a chain of another program.</summary>
    /// <param name="network">Null for any network.</param>
    public static bool IsOwnRule(string rule, IpNetwork? network) => network is { } known
        ? rule.Contains(ForwardComment(known), StringComparison.Ordinal)
            || rule.Contains(MasqueradeComment(known), StringComparison.Ordinal)
        : Comment().IsMatch(rule);

    /// <summary>An IPv6 address does not fit: a hash of it.</summary>
    private static string Suffix(IpNetwork network)
    {
        var digits = network.Ipv4 is { } v4
            ? v4.Address.Value.ToString("X8", CultureInfo.InvariantCulture)
            : Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(network.Address.ToString())))[..8];
        return string.Create(CultureInfo.InvariantCulture, $"{digits}-{network.Length}");
    }

    [GeneratedRegex("^FLANNEL-(FWD|POSTRTG)-[0-9A-F]{8}-[0-9]{1,3}$")]
    private static partial Regex Chain();

    [GeneratedRegex("""--comment "flanneld (forward|masq) [0-9a-f.:]+/[0-9]{1,3}"( |$)""")]
    private static partial Regex Comment();
}
