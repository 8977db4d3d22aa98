using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Removes flanneld's rules from this host. Rules of others stay.</summary>
public sealed class FirewallCleanup(FirewallPrograms programs, TimeProvider time)
{
    /// <param name="network">Whose rules are removed; null for all networks of both families.</param>
    /// <returns>What was removed, one line each; empty if there was nothing.</returns>
    public async Task<Result<IReadOnlyList<string>>> RemoveAsync(IpNetwork? network, CancellationToken cancellation)
    {
        List<string> removed = [];
        bool[] families = network is { } known ? [known.IsV6] : [false, true];
        foreach (var isV6 in families)
        {
            var result = await RemoveAsync(network, isV6, cancellation);
            if (!result.Ok) return result;
            removed.AddRange(result.Value);
        }

        return removed;
    }

    private async Task<Result<IReadOnlyList<string>>> RemoveAsync(IpNetwork? network, bool isV6, CancellationToken cancellation)
    {
        List<string> removed = [];
        if (programs.Find("nft") is { } nft)
        {
            var result = await FirewallCommand.LimitAsync(
                "nft", stop => RemoveTablesAsync(nft, NftTable.FamilyOf(isV6), network, stop), time, cancellation);
            if (!result.Ok) return Result.Failure(result.Error);
            removed.AddRange(result.Value);
        }

        if (programs.FindIptables(isV6) is { } iptables)
        {
            var name = FirewallPrograms.NameOfIptables(isV6);
            var result = await FirewallCommand.LimitAsync(
                name, stop => RemoveChainsAsync(name, new IptablesFirewall(iptables, network), stop), time, cancellation);
            if (!result.Ok) return Result.Failure(result.Error);
            removed.AddRange(result.Value);
        }

        return removed;
    }

    private static async Task<Result<IReadOnlyList<string>>> RemoveTablesAsync(
        string nft, string family, IpNetwork? network, CancellationToken cancellation)
    {
        var found = await NftFirewall.FindTablesAsync(nft, family, cancellation);
        if (!found.Ok) return found;
        var tables = found.Value.Where(table => network is not { } known || table == NftTable.NameOf(known)).ToList();
        foreach (var table in tables)
        {
            var deleted = await NftFirewall.WriteAsync(nft, NftTable.Delete(family, table), cancellation);
            if (!deleted.Ok) return Result.Failure(deleted.Error);
        }

        return tables.Select(table => $"nft: table {family} {table}").ToList();
    }

    private static async Task<Result<IReadOnlyList<string>>> RemoveChainsAsync(
        string name, IptablesFirewall iptables, CancellationToken cancellation)
    {
        var read = await iptables.ReadAsync(null, cancellation);
        if (!read.Ok) return Result.Failure(read.Error);
        List<string> removed = [];
        foreach (var table in new[] { IptablesRules.Filter, IptablesRules.Nat })
        {
            var result = await iptables.ReconcileAsync(IptablesTable.Empty(table), read.Value, cancellation);
            if (!result.Ok) return Result.Failure(result.Error);
            if (result.Value) removed.Add($"{name}: rules in table {table}");
        }

        return removed;
    }
}
