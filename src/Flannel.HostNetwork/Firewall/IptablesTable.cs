namespace Flannel.HostNetwork.Firewall;

/// <summary>A chain of flanneld's own.</summary>
/// <param name="Rules">As <c>iptables-save</c> prints them after <c>-A CHAIN</c>.</param>
internal sealed record IptablesChain(string Name, IReadOnlyList<string> Rules);

/// <summary>A rule of flanneld in a chain of the kernel or of another program.</summary>
/// <param name="MayCreateChain">Whether the chain is created if it does not exist.</param>
internal sealed record IptablesHook(string Chain, string Rule, bool MayCreateChain = false);

/// <summary>What flanneld desires in one table of iptables.</summary>
/// <param name="Name"><c>filter</c> or <c>nat</c>.</param>
internal sealed record IptablesTable(string Name, IReadOnlyList<IptablesChain> Chains, IReadOnlyList<IptablesHook> Hooks)
{
    public static IptablesTable Empty(string name) => new(name, [], []);
}
