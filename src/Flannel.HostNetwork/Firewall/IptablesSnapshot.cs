namespace Flannel.HostNetwork.Firewall;

/// <summary>The chains of a host as <c>iptables-save</c> prints them. Immutable after it is parsed.</summary>
internal sealed class IptablesSnapshot
{
    private static readonly Dictionary<string, List<string>> NoChains = [];

    private readonly Dictionary<string, Dictionary<string, List<string>>> tables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> policies = new(StringComparer.Ordinal);

    /// <param name="text">The output of <c>iptables-save</c>; a table that is not in use is absent.</param>
    public static IptablesSnapshot Parse(string text)
    {
        var result = new IptablesSnapshot();
        Dictionary<string, List<string>> chains = [];
        var table = "";
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith('*'))
            {
                chains = new Dictionary<string, List<string>>(StringComparer.Ordinal);
                table = line[1..].Trim();
                result.tables[table] = chains;
            }
            else if (line.StartsWith(':'))
            {
                var parts = line[1..].Split(' ');
                chains.TryAdd(parts[0], []);
                // A chain that a program made has a dash.
                if (parts.Length > 1 && parts[1] != "-") result.policies[$"{table} {parts[0]}"] = parts[1];
            }
            else if (line.StartsWith("-A ", StringComparison.Ordinal))
            {
                var parts = line.TrimEnd().Split(' ', 3);
                if (!chains.TryGetValue(parts[1], out var rules)) chains[parts[1]] = rules = [];
                rules.Add(parts.Length > 2 ? parts[2] : "");
            }
        }

        return result;
    }

    /// <summary>The chains of a table with their rules; empty if the table is not in use.</summary>
    public IReadOnlyDictionary<string, List<string>> Chains(string table) => tables.GetValueOrDefault(table) ?? NoChains;

    /// <summary>The policy of one of the kernel's chains; null if the table is not in use.</summary>
    public string? PolicyOf(string table, string chain) => policies.GetValueOrDefault($"{table} {chain}");

    public bool HasChain(string table, string chain) => Chains(table).ContainsKey(chain);
}
