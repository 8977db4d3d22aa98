namespace Flannel.Simulation.Tests.Engine;

/// <summary>The network configurations of one history.</summary>
/// <param name="Final">The last configuration, with a free subnet for every machine.</param>
/// <param name="Initial">The possible first configurations.</param>
/// <param name="Others">Configurations that the operator may write during the history, including unusable ones and ones with too few
/// subnets.</param>
/// <param name="ReservedLengths">The prefix lengths of reservations and of upstream nodes' subnets inside
/// <paramref name="Network"/>.</param>
internal sealed record Configurations(
    string Network, string Final, IReadOnlyList<string> Initial, IReadOnlyList<string> Others, IReadOnlyList<int> ReservedLengths)
{
    private const string Unusable = "{";

    /// <summary>So few subnets that nodes wait for one.</summary>
    private static readonly Configurations FewSubnets = new(
        "10.24.0.0/24",
        Config("10.24.0.0/20", 27),
        [WithRange(27, "10.24.0.32", "10.24.0.224"), WithRange(28, "10.24.0.16", "10.24.0.240")],
        [
            WithRange(27, "10.24.0.32", "10.24.0.224"), WithRange(28, "10.24.0.16", "10.24.0.240"),
            WithRange(28, "10.24.0.128", "10.24.0.240"),
            WithRange(26, "10.24.0.64", "10.24.1.192"), WithRange(29, "10.24.0.8", "10.24.0.64"), Config("10.24.0.0/20", 27, "alloc"),
            Unusable,
        ],
        [27]);

    /// <summary>The network changes: running nodes keep their leases and routes.</summary>
    private static readonly Configurations ChangingNetworks = new(
        "10.24.0.0/23",
        Config("10.24.0.0/20", 27),
        [
            Config("10.24.0.0/24", 27), Config("10.24.0.0/24", 28), Config("10.24.0.0/23", 25), Config("10.24.0.0/15", 17),
            Config("10.0.0.0/7", 9),
        ],
        [
            Config("10.24.0.0/24", 27), Config("10.24.0.0/24", 28), Config("10.24.0.0/23", 26), Config("10.24.0.0/24", 27, "alloc"),
            Config("10.24.0.128/25", 28), Unusable,
        ],
        [25, 27]);

    /// <summary>The prefix length changes: running nodes keep their leases, so that keys of several lengths exist.</summary>
    private static readonly Configurations ChangingLengths = WithLengths("10.0.0.0/7", 17,
        [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 30]);

    private static readonly Configurations ChangingLongPrefixes = WithLengths("10.24.0.0/16", 25,
        [18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);

    /// <param name="withClones">Excludes backend alloc: its leases name no instance, so that nodes with the same address cannot be
    /// distinguished.</param>
    public static Configurations Any(Random random, bool withClones)
    {
        var configurations = random.Next(4) switch
        {
            0 => FewSubnets,
            1 => ChangingNetworks,
            2 => ChangingLengths,
            _ => ChangingLongPrefixes,
        };
        return withClones
            ? configurations with
            {
                Others = [.. configurations.Others.Where(config => !config.Contains("alloc", StringComparison.Ordinal))],
            }
            : configurations;
    }

    /// <summary>The same for a dual-stack cluster. During the history IPv6 is enabled and disabled.</summary>
    public Configurations WithIpv6() => this with
    {
        Final = Ipv6(Final),
        Initial = [.. Initial, .. Initial.Select(Ipv6)],
        Others = [.. Others, .. Others.Select(Ipv6)],
    };

    /// <summary>15 IPv6 subnets.</summary>
    private static string Ipv6(string config) => config.Replace(
        "{\"Network\"", "{\"EnableIPv6\":true,\"IPv6Network\":\"fc00::/60\",\"Network\"", StringComparison.Ordinal);

    private static Configurations WithLengths(string network, int finalLength, IReadOnlyList<int> lengths)
    {
        var all = lengths.Select(length => Config(network, length)).ToList();
        return new Configurations(
            network, Config(network, finalLength), all, [.. all, .. all, Config(network, finalLength, "alloc"), Unusable], lengths);
    }

    private static string WithRange(int length, string first, string last) =>
        $$$"""{"Network":"10.24.0.0/20","SubnetLen":{{{length}}}"""
        + $$$""","SubnetMin":"{{{first}}}","SubnetMax":"{{{last}}}","Backend":{"Type":"ali-vpc"}}""";

    private static string Config(string network, int length, string backend = "ali-vpc") =>
        $$$"""{"Network":"{{{network}}}","SubnetLen":{{{length}}},"Backend":{"Type":"{{{backend}}}"}}""";
}
