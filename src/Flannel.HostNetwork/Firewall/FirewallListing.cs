using System.Text;
using Flannel.Core;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Shows flanneld's rules on this host, of all networks and both families. Rules of others are not shown.</summary>
public sealed class FirewallListing(FirewallPrograms programs, TimeProvider time)
{
    /// <returns>The rules as the programs print them, with a line for each program that is missing or failed.</returns>
    public async Task<string> ReadAsync(CancellationToken cancellation)
    {
        var text = new StringBuilder();
        foreach (var isV6 in new[] { false, true })
        {
            var family = NftTable.FamilyOf(isV6);
            await AppendAsync(
                text, $"nft {family}",
                programs.Find("nft") is { } nft ? stop => ListTablesAsync(nft, family, stop) : null, cancellation);
            await AppendAsync(
                text, FirewallPrograms.NameOfIptables(isV6),
                programs.FindIptables(isV6) is { } iptables ? stop => ListChainsAsync(iptables, stop) : null, cancellation);
        }

        return text.ToString();
    }

    /// <param name="read">Null if the program is not installed.</param>
    private async Task AppendAsync(
        StringBuilder text, string name, Func<CancellationToken, Task<Result<string>>>? read, CancellationToken cancellation)
    {
        var rules = read is null ? Result.Failure("not installed") : await FirewallCommand.LimitAsync(name, read, time, cancellation);
        text.Append('#').Append(' ').Append(name);
        if (!rules.Ok) text.Append(": ").Append(rules.Error).Append('\n');
        else if (rules.Value.Length == 0) text.Append(": no rules of flanneld\n");
        else text.Append('\n').Append(rules.Value);
    }

    private static async Task<Result<string>> ListTablesAsync(string nft, string family, CancellationToken cancellation)
    {
        var tables = await NftFirewall.FindTablesAsync(nft, family, cancellation);
        if (!tables.Ok) return Result.Failure(tables.Error);
        var text = new StringBuilder();
        foreach (var table in tables.Value)
        {
            var listed = await FirewallCommand.ReadAsync(nft, ["list", "table", family, table], "", cancellation);
            if (!listed.Ok) return listed;
            text.Append(listed.Value);
        }

        return text.ToString();
    }

    private static async Task<Result<string>> ListChainsAsync(IptablesPrograms iptables, CancellationToken cancellation)
    {
        var read = await new IptablesFirewall(iptables, network: null).ReadAsync(null, cancellation);
        if (!read.Ok) return Result.Failure(read.Error);
        var text = new StringBuilder();
        foreach (var table in new[] { IptablesRules.Filter, IptablesRules.Nat })
        {
            foreach (var (chain, rules) in read.Value.Chains(table))
            {
                var isOwn = IptablesNames.IsOwnChain(chain, null);
                foreach (var rule in rules.Where(rule => isOwn || IptablesNames.IsOwnRule(rule, null)))
                    text.Append(table).Append(": -A ").Append(chain).Append(' ').Append(rule).Append('\n');
            }
        }

        return text.ToString();
    }
}
