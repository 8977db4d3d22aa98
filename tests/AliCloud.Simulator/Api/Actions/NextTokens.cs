namespace AliCloud.Simulator.Api.Actions;

/// <summary>Opaque places in a listing. One is good for the same filters only, and for a limited time.</summary>
internal sealed class NextTokens(TimeProvider time)
{
    private readonly Dictionary<string, (string Filters, long After, DateTimeOffset Expires)> _places = new(StringComparer.Ordinal);

    public string New(Parameters call, long after, TimeSpan lifetime)
    {
        // An expired token stays known for a while: the cloud tells "expired" from "never heard of".
        var now = time.GetUtcNow();
        if (_places.Count > 1024)
            foreach (var old in _places.Where(p => now - p.Value.Expires > TimeSpan.FromHours(1)).ToList()) _places.Remove(old.Key);
        var token = Guid.NewGuid().ToString("n");
        _places[token] = (Filters(call), after, now + lifetime);
        return token;
    }

    public Refused? Continue(string token, Parameters call, out long after)
    {
        after = 0;
        if (!_places.TryGetValue(token, out var place) || place.Filters != Filters(call)) return Refusals.BadNextToken;
        if (place.Expires <= time.GetUtcNow()) return Refusals.ExpiredNextToken;
        after = place.After;
        return null;
    }

    private static string Filters(Parameters call) => string.Join('\n', call.All
        .Where(p => p.Key is not ("NextToken" or "MaxResult" or "MaxResults")).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
}
