using Flannel.Core;

namespace Flannel.HostNetwork.Firewall;

/// <summary>A chain of nftables that forwarded packets pass, such as that of firewalld.</summary>
/// <param name="Table">The family and the name of its table, such as <c>inet firewalld</c>.</param>
/// <param name="Policy"><c>accept</c> or <c>drop</c>.</param>
public sealed record NftForwardChain(string Table, string Name, string Policy)
{
    private const string Nft = "nft";
    private const string PolicyMark = "policy ";

    /// <summary>Tables in which iptables keeps its rules: <see cref="ForwardTrace"/> follows them.</summary>
    private static readonly string[] TablesOfIptables = ["ip filter", "ip mangle", "ip security"];

    /// <summary>Those of this host that IPv4 packets pass, without those of iptables.</summary>
    /// <returns>Empty without nft; fails with one line.</returns>
    public static async Task<Result<NftForwardChain[]>> ReadAsync(
        FirewallPrograms programs, TimeProvider time, CancellationToken cancellation)
    {
        if (programs.Find(Nft) is not { } path) return Array.Empty<NftForwardChain>();
        var text = await FirewallCommand.LimitAsync(
            Nft, stop => FirewallCommand.ReadAsync(path, ["list", "chains"], "", stop), time, cancellation);
        return text.Select(Parse);
    }

    /// <param name="text">The output of <c>nft list chains</c>.</param>
    public static NftForwardChain[] Parse(string text)
    {
        var found = new List<NftForwardChain>();
        var (table, chain) = ("", "");
        foreach (var line in text.Split('\n').Select(line => line.Trim()))
        {
            if (line.StartsWith("table ", StringComparison.Ordinal)) table = line["table ".Length..].TrimEnd('{').Trim();
            else if (line.StartsWith("chain ", StringComparison.Ordinal)) chain = line["chain ".Length..].TrimEnd('{').Trim();
            else if (line.Contains(" hook forward ", StringComparison.Ordinal) && IsOfIpv4(table) && !TablesOfIptables.Contains(table))
                found.Add(new NftForwardChain(table, chain, PolicyIn(line)));
        }

        return [.. found];
    }

    public override string ToString() => $"{Table} {Name} (policy {Policy})";

    private static bool IsOfIpv4(string table) =>
        table.StartsWith("ip ", StringComparison.Ordinal) || table.StartsWith("inet ", StringComparison.Ordinal);

    private static string PolicyIn(string line)
    {
        var start = line.IndexOf(PolicyMark, StringComparison.Ordinal);
        return start < 0 ? "accept" : line[(start + PolicyMark.Length)..].TrimEnd(';').Trim();
    }
}
