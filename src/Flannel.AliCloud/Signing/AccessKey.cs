using Flannel.Core;

namespace Flannel.AliCloud.Signing;

/// <summary>What signs a call: an access key, permanent or temporary. It prints without its secret parts, and without its id: an id in a log
/// is half of a leak.</summary>
public sealed class AccessKey
{
    private const int LongestId = 128;
    private const int LongestSecret = 256;
    private const int LongestToken = 8192;

    private AccessKey(string id, Secret secret, Secret? securityToken, DateTimeOffset? expiration) =>
        (Id, Secret, SecurityToken, Expiration) = (id, secret, securityToken, expiration);

    public string Id { get; }

    public Secret Secret { get; }

    /// <summary>Null for a permanent key.</summary>
    public Secret? SecurityToken { get; }

    /// <summary>Null when it does not expire, or is not known to.</summary>
    public DateTimeOffset? Expiration { get; }

    /// <summary>Refuses what cannot be a key or would break a header: anything empty, oversized, or with a character that is not printable ASCII.</summary>
    /// <returns>Null and a line that names the bad part, never its text.</returns>
    public static AccessKey? Create(string? id, string? secret, string? securityToken, DateTimeOffset? expiration, out string error)
    {
        error = Refusal(id, LongestId, "the access key id")
            ?? Refusal(secret, LongestSecret, "the access key secret")
            ?? (string.IsNullOrEmpty(securityToken) ? null : Refusal(securityToken, LongestToken, "the security token"))
            ?? "";
        if (error.Length > 0) return null;
        return new AccessKey(id!, new Secret(secret!), string.IsNullOrEmpty(securityToken) ? null : new Secret(securityToken), expiration);
    }

    /// <summary>Whether it is the same key, so that a repetition with it would be no repetition with a new one.</summary>
    public bool IsSameAs(AccessKey other) =>
        Id == other.Id && Secret.Equals(other.Secret) && Equals(SecurityToken, other.SecurityToken);

    /// <summary>Whether it can still sign: it does not expire, or not before <paramref name="now"/>.</summary>
    public bool IsAlive(DateTimeOffset now) => Expiration is not { } end || now < end;

    public override string ToString() => Expiration is { } end ? $"access key until {end:u}" : "access key";

    private static string? Refusal(string? text, int longest, string name)
    {
        if (string.IsNullOrEmpty(text)) return $"{name} is empty";
        if (text.Length > longest) return $"{name} is longer than {longest} characters";
        return text.AsSpan().ContainsAnyExceptInRange('!', '~') ? $"{name} has a character that no key has" : null;
    }
}
