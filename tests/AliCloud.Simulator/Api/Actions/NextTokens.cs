namespace AliCloud.Simulator.Api.Actions;

/// <summary>Opaque positions in a list. A token is valid for the same filters and for a limited time.</summary>
internal sealed class NextTokens(TimeProvider time)
{
    private readonly Dictionary<string, (string Filters, long After, DateTimeOffset Expires)> _places = new(StringComparer.Ordinal);

    public string New(Parameters call, long after, TimeSpan lifetime)
    {
        // An expired token stays known for a while: the cloud distinguishes expired from unknown tokens.
        var now = time.GetUtcNow();
        if (_places.Count > 1024)
            foreach (var old in _places.Where(p => now - p.Value.Expires > TimeSpan.FromHours(1)).ToList()) _places.Remove(old.Key);
        var token = Guid.NewGuid().ToString("n");
        _places[token] = (Filters(call), after, now + lifetime);
        return token;
    }

    public ApiError? Continue(string token, Parameters call, out long after)
    {
        after = 0;
        if (!_places.TryGetValue(token, out var place) || place.Filters != Filters(call)) return ApiErrors.BadNextToken;
        if (place.Expires <= time.GetUtcNow()) return ApiErrors.ExpiredNextToken;
        after = place.After;
        return null;
    }

    private static string Filters(Parameters call) => string.Join('\n', call.All
        .Where(p => p.Key is not ("NextToken" or "MaxResult" or "MaxResults")).OrderBy(p => p.Key, StringComparer.Ordinal).Select(
            p => $"{p.Key}={p.Value}"));
}
