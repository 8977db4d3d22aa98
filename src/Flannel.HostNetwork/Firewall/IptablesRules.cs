namespace Flannel.HostNetwork.Firewall;

/// <summary>The desired rules as chains of iptables. Pure. A rule is written as <c>iptables-save</c> prints it, so that both can be
/// compared as text.</summary>
internal static class IptablesRules
{
    public const string Filter = "filter";
    public const string Nat = "nat";

    /// <summary>Docker passes every forwarded packet through this chain first, and keeps a chain that exists when it starts.</summary>
    public const string DockerChain = "DOCKER-USER";

    /// <summary>The forwarding rules. In FORWARD they are upstream's (forwardRules), in a chain of the network.</summary>
    /// <param name="hasDocker">Whether Docker is installed or has made its chain.</param>
    public static IptablesTable Forwarding(FirewallRules rules, bool hasDocker)
    {
        if (!rules.Forwards) return IptablesTable.Empty(Filter);
        var network = rules.Network;
        var (chain, comment) = (IptablesNames.ForwardChain(network), IptablesNames.ForwardComment(network));
        var toNetwork = $"-d {network} {comment} -j ACCEPT";
        List<IptablesHook> hooks = [new("FORWARD", $"{comment} -j {chain}")];
        // The destination is enough: Docker accepts what its bridges send. A rule for the source would let containers reach the bridges of
        // other Docker networks, which Docker isolates.
        if (hasDocker) hooks.Add(new IptablesHook(DockerChain, toNetwork, MayCreateChain: true));
        return new IptablesTable(Filter, [new(chain, [$"-s {network} {comment} -j ACCEPT", toNetwork])], hooks);
    }

    public static IptablesTable Masquerading(FirewallRules rules)
    {
        if (!rules.Masquerades) return IptablesTable.Empty(Nat);
        var (chain, comment) = (IptablesNames.MasqueradeChain(rules.Network), IptablesNames.MasqueradeComment(rules.Network));
        var lines = MasqueradeRule.Compose(rules).Select(rule => Format(rule, comment, rules.IsFullyRandom)).ToList();
        return new IptablesTable(Nat, [new(chain, lines)], [new("POSTROUTING", $"{comment} -j {chain}")]);
    }

    private static string Format(MasqueradeRule rule, string comment, bool isFullyRandom)
    {
        List<string> parts = [];
        if (rule.Source is { } source) parts.Add(Format("-s", source));
        if (rule.Destination is { } destination) parts.Add(Format("-d", destination));
        if (rule.IsForMarked) parts.Add($"-m mark --mark 0x{MasqueradeRule.KubeProxyMark:x}/0x{MasqueradeRule.KubeProxyMark:x}");
        parts.Add(comment);
        parts.Add(rule.Action == MasqueradeAction.Return ? "-j RETURN" : "-j MASQUERADE");
        if (rule.Action == MasqueradeAction.Masquerade && isFullyRandom) parts.Add("--random-fully");
        return string.Join(' ', parts);
    }

    private static string Format(string option, AddressMatch match) => $"{(match.IsNegated ? "! " : "")}{option} {match.Range}";
}
