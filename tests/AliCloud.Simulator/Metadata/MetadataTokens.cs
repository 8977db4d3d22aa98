using System.Globalization;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Metadata;

/// <summary>The tokens of the hardened mode. Used under the gate.</summary>
internal sealed class MetadataTokens(TimeProvider time, Random random)
{
    private const int LongestTtl = 21600;
    private readonly Dictionary<string, (string InstanceId, DateTimeOffset Expires)> _tokens = new(StringComparer.Ordinal);

    /// <summary>Null if the time to live is not a number from 1 to 21600.</summary>
    public string? Issue(Instance instance, string? ttlSeconds)
    {
        if (!int.TryParse(ttlSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out var ttl)
            || ttl is < 1 or > LongestTtl) return null;
        var bytes = new byte[33];
        random.NextBytes(bytes);
        var token = Convert.ToBase64String(bytes);
        _tokens[token] = (instance.Id, time.GetUtcNow().AddSeconds(ttl));
        return token;
    }

    /// <summary>A token is valid for its instance only.</summary>
    public bool Accepts(Instance instance, string token) =>
        _tokens.TryGetValue(token, out var known) && known.InstanceId == instance.Id && known.Expires > time.GetUtcNow();
}
