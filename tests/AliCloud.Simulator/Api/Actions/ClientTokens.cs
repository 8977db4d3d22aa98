namespace AliCloud.Simulator.Api.Actions;

/// <summary>The same token with the same parameters returns the same result. Only successful calls are kept.</summary>
internal sealed class ClientTokens
{
    private readonly Dictionary<string, (string Parameters, Done Answer)> _seen = new(StringComparer.Ordinal);

    public ApiResult? Find(Parameters call)
    {
        if (call["ClientToken"] is not { } token || !_seen.TryGetValue(token, out var seen)) return null;
        return seen.Parameters == Fingerprint(call) ? seen.Answer : ApiErrors.TokenOfOtherParameters;
    }

    public void Keep(Parameters call, Done answer)
    {
        if (call["ClientToken"] is { } token) _seen[token] = (Fingerprint(call), answer);
    }

    private static string Fingerprint(Parameters call) =>
        string.Join('\n', call.All.Where(p => p.Key != "ClientToken").OrderBy(p => p.Key, StringComparer.Ordinal).Select(
            p => $"{p.Key}={p.Value}"));
}
