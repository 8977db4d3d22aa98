namespace AliCloud.Simulator.Api.Actions;

/// <summary>The same token and the same parameters: the same result. It is kept once a call succeeded.</summary>
internal sealed class ClientTokens
{
    private readonly Dictionary<string, (string Parameters, Done Answer)> _seen = new(StringComparer.Ordinal);

    public ApiAnswer? Find(Parameters call)
    {
        if (call["ClientToken"] is not { } token || !_seen.TryGetValue(token, out var seen)) return null;
        return seen.Parameters == Fingerprint(call) ? seen.Answer : Refusals.TokenOfOtherParameters;
    }

    public void Keep(Parameters call, Done answer)
    {
        if (call["ClientToken"] is { } token) _seen[token] = (Fingerprint(call), answer);
    }

    private static string Fingerprint(Parameters call) =>
        string.Join('\n', call.All.Where(p => p.Key != "ClientToken").OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
}
