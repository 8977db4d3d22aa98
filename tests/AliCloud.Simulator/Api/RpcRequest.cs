namespace AliCloud.Simulator.Api;

/// <summary>A call in the older form: the common parameters and the signature are in the query, beside the parameters of the
/// action.</summary>
internal sealed class RpcRequest
{
    public const string Signature = "Signature";

    /// <summary>The mandatory common parameters, in the order in which they are checked.</summary>
    public static readonly IReadOnlyList<string> Mandatory =
        ["Action", "Version", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp", Signature];

    private static readonly HashSet<string> Common = new([.. Mandatory, "Format", "SecurityToken"], StringComparer.Ordinal);

    private readonly Dictionary<string, string> _query;

    private RpcRequest(Dictionary<string, string> query)
    {
        _query = query;
        Parameters = query.Where(p => !Common.Contains(p.Key)).ToDictionary(StringComparer.Ordinal);
        Signed = query.Where(p => p.Key != Signature).ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>Null if absent or empty.</summary>
    public string? this[string name] => _query.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    /// <summary>The parameters of the action.</summary>
    public Dictionary<string, string> Parameters { get; }

    /// <summary>What the signature covers.</summary>
    public IReadOnlyDictionary<string, string> Signed { get; }

    /// <returns>Null for a request in another form.</returns>
    public static RpcRequest? Read(IReadOnlyDictionary<string, string> headers, string query) =>
        !headers.ContainsKey("authorization") && RawQuery.Parse(query) is { } parameters && parameters.ContainsKey(Signature)
            ? new RpcRequest(parameters)
            : null;
}
