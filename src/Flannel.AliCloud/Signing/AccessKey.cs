using Flannel.Core;

namespace Flannel.AliCloud.Signing;

/// <summary>An access key, permanent or temporary, that signs calls. Immutable. <see cref="ToString"/> shows neither the secret parts nor
/// the id.</summary>
public sealed class AccessKey
{
    // Real keys are much shorter. The limits keep a wrong file out of the HTTP headers.
    private const int MaxIdLength = 128;
    private const int MaxSecretLength = 256;
    private const int MaxTokenLength = 8192;

    private AccessKey(string id, Secret secret, Secret? securityToken, DateTimeOffset? expiration) =>
        (Id, Secret, SecurityToken, Expiration) = (id, secret, securityToken, expiration);

    public string Id { get; }

    public Secret Secret { get; }

    /// <summary>Null for a permanent key.</summary>
    public Secret? SecurityToken { get; }

    /// <summary>Null if the key does not expire, or if its expiration is unknown.</summary>
    public DateTimeOffset? Expiration { get; }

    /// <summary>Fails on a part that is empty, too long, or not printable ASCII: it would break an HTTP header.</summary>
    /// <param name="securityToken">Null or empty for a permanent key.</param>
    /// <returns>A failure names the invalid part and never quotes it.</returns>
    public static Result<AccessKey> Create(string? id, string? secret, string? securityToken = null, DateTimeOffset? expiration = null)
    {
        var hasToken = !string.IsNullOrEmpty(securityToken);
        var problem = Problem(id, MaxIdLength, "the access key id")
            ?? Problem(secret, MaxSecretLength, "the access key secret")
            ?? (hasToken ? Problem(securityToken, MaxTokenLength, "the security token") : null);
        if (problem is not null) return Result.Failure(problem);
        return new AccessKey(id!, new Secret(secret!), hasToken ? new Secret(securityToken!) : null, expiration);
    }

    /// <summary>True if id, secret and security token are equal: a retry with <paramref name="other"/> would be signed with the same
    /// key.</summary>
    public bool IsSameAs(AccessKey other) =>
        Id == other.Id && Secret.Equals(other.Secret) && Equals(SecurityToken, other.SecurityToken);

    /// <summary>True if the key does not expire, or expires after <paramref name="now"/>.</summary>
    public bool IsValidAt(DateTimeOffset now) => Expiration is not { } end || now < end;

    public override string ToString() => Expiration is { } end ? $"access key until {end:u}" : "access key";

    /// <summary>Null if <paramref name="text"/> is valid.</summary>
    private static string? Problem(string? text, int maxLength, string name)
    {
        if (string.IsNullOrEmpty(text)) return $"{name} is empty";
        if (text.Length > maxLength) return $"{name} is longer than {maxLength} characters";
        return text.AsSpan().ContainsAnyExceptInRange('!', '~') ? $"{name} has a character that is not printable ASCII" : null;
    }
}
