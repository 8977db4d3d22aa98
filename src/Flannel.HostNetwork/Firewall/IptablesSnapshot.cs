namespace Flannel.HostNetwork.Firewall;

/// <summary>The chains of a host as <c>iptables-save</c> prints them. Immutable after it is parsed.</summary>
internal sealed class IptablesSnapshot
{
    private static readonly Dictionary<string, List<string>> NoChains = [];

    private readonly Dictionary<string, Dictionary<string, List<string>>> tables = new(StringComparer.Ordinal);

    /// <param name="text">The output of <c>iptables-save</c>; a table that is not in use is absent.</param>
    public static IptablesSnapshot Parse(string text)
    {
        var result = new IptablesSnapshot();
        Dictionary<string, List<string>> chains = [];
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith('*'))
            {
                chains = new Dictionary<string, List<string>>(StringComparer.Ordinal);
                result.tables[line[1..].Trim()] = chains;
            }
            else if (line.StartsWith(':'))
            {
                chains.TryAdd(line[1..].Split(' ')[0], []);
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

    public bool HasChain(string table, string chain) => Chains(table).ContainsKey(chain);
}
