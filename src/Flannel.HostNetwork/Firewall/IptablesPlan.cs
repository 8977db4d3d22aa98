using System.Text.RegularExpressions;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The difference between the desired and the observed rules of one table, as input of <c>iptables-restore --noflush</c>. Pure.
/// Rules of others are neither changed nor moved.</summary>
internal sealed partial class IptablesPlan
{
    private readonly List<string> lines = [];
    private readonly IptablesTable desired;
    private readonly IReadOnlyDictionary<string, List<string>> observed;
    private readonly IpNetwork? network;

    private IptablesPlan(IptablesTable desired, IptablesSnapshot snapshot, IpNetwork? network) =>
        (this.desired, observed, this.network) = (desired, snapshot.Chains(desired.Name), network);

    /// <param name="network">The network whose rules are compared; null for all networks of flanneld.</param>
    /// <returns>Empty if nothing is to be changed.</returns>
    public static string Compose(IptablesTable desired, IptablesSnapshot snapshot, IpNetwork? network)
    {
        var plan = new IptablesPlan(desired, snapshot, network);
        foreach (var chain in desired.Chains) plan.Fill(chain);
        foreach (var hook in desired.Hooks) plan.Place(hook);
        plan.RemoveStale();
        return plan.lines.Count == 0 ? "" : $"*{desired.Name}\n{string.Join('\n', plan.lines)}\nCOMMIT\n";
    }

    private List<string> RulesOf(string chain) => observed.GetValueOrDefault(chain) ?? [];

    private bool IsOwn(string rule) => IptablesNames.IsOwnRule(rule, network);

    private void Fill(IptablesChain chain)
    {
        if (observed.TryGetValue(chain.Name, out var rules) && rules.SequenceEqual(chain.Rules)) return;
        // The line creates the chain, or flushes it if it exists.
        lines.Add($":{chain.Name} - [0:0]");
        lines.AddRange(chain.Rules.Select(rule => $"-A {chain.Name} {rule}"));
    }

    /// <summary>A rule behind one that ends the chain for every packet would have no effect: RHEL's FORWARD ends with REJECT, and earlier
    /// versions of Docker end DOCKER-USER with RETURN. Every other rule stays in front: an operator's DROP and a network policy keep their
    /// effect.</summary>
    private void Place(IptablesHook hook)
    {
        var rules = RulesOf(hook.Chain);
        var others = rules.Where(rule => !IsOwn(rule)).ToList();
        var end = others.FindIndex(rule => Ending().IsMatch(rule));
        var position = rules.IndexOf(hook.Rule);
        if (rules.Count(IsOwn) == 1 && position >= 0 && (end < 0 || position <= end)) return;
        if (hook.MayCreateChain && !observed.ContainsKey(hook.Chain)) lines.Add($":{hook.Chain} - [0:0]");
        lines.AddRange(rules.Where(IsOwn).Select(rule => $"-D {hook.Chain} {rule}"));
        lines.Add(end < 0 ? $"-A {hook.Chain} {hook.Rule}" : $"-I {hook.Chain} {end + 1} {hook.Rule}");
    }

    private void RemoveStale()
    {
        foreach (var (chain, rules) in observed)
        {
            if (IptablesNames.IsOwnChain(chain, network) || desired.Hooks.Any(hook => hook.Chain == chain)) continue;
            var own = rules.Where(IsOwn).ToList();
            lines.AddRange(own.Select(rule => $"-D {chain} {rule}"));
            // It was created for this rule before Docker started.
            var isEmpty = own.Count > 0 && own.Count == rules.Count;
            if (chain == IptablesRules.DockerChain && isEmpty && !IsCalled(chain)) lines.Add("-X " + chain);
        }

        var stale = observed.Keys
            .Where(chain => IptablesNames.IsOwnChain(chain, network) && desired.Chains.All(other => other.Name != chain)).ToList();
        lines.AddRange(stale.Select(chain => "-F " + chain));
        lines.AddRange(stale.Select(chain => "-X " + chain));
    }

    private bool IsCalled(string chain) =>
        observed.Values.Any(rules => rules.Any(rule => rule.EndsWith("-j " + chain, StringComparison.Ordinal)));

    [GeneratedRegex("""^(-m comment --comment ("[^"]*"|\S+) )?-j (ACCEPT|DROP|REJECT|RETURN)( --reject-with \S+)?$""")]
    private static partial Regex Ending();
}
