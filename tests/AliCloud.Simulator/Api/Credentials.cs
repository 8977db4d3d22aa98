using System.Text;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api;

/// <summary>The keys that the API accepts: the permanent keys of the setup and the issued keys of roles until they expire. Used under the
/// gate.</summary>
internal sealed class Credentials(CloudState state, Random random)
{
    private const string KeyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>
    /// The credentials that the metadata service returns now. They are replaced when a quarter of their lifetime is left (a client that
    /// refreshes 15 minutes before the end of six hours gets new ones), so that old and new credentials overlap.
    /// </summary>
    public IssuedCredentials Current(Instance instance, string roleName)
    {
        var now = state.Now;
        if (instance.Credentials is { } current && current.RoleName == roleName
            && current.Expiration - now > (current.Expiration - current.Issued) / 4)
            return current;
        return instance.Credentials = Issue(roleName, instance.Id, instance.Id, state.Settings.RoleCredentialLifetimeSeconds);
    }

    public IssuedCredentials Issue(string roleName, string sessionName, string? instanceId, int lifetimeSeconds)
    {
        var now = state.Now;
        // Whole seconds, as in the response: the client reads the exact expiration.
        var issued = new DateTimeOffset(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
        var made = new IssuedCredentials(
            "STS." + Letters(25), Marked(Letters(44)), Token(), roleName, sessionName, instanceId, issued,
                issued.AddSeconds(lifetimeSeconds));
        state.Issued.RemoveAll(i => now - i.Expiration > TimeSpan.FromHours(1));
        state.Issued.Add(made);
        return made;
    }

    /// <summary>The secret of the key, or null and the error.</summary>
    public string? Find(string accessKeyId, string? token, out Principal? principal, out ApiError? error)
    {
        principal = null;
        error = null;
        if (state.AccessKeys.Find(k => k.Id == accessKeyId) is { } key)
        {
            if (key.Inactive) error = new ApiError("InvalidAccessKeyId.Inactive", "Specified access key is disabled.");
            else if (token is not null) error = Mismatch;
            else principal = new Principal(key.Id, key.Id, "SubUser", null, key.DeniedActions);
            return error is null ? key.Secret : null;
        }

        if (state.Issued.Find(i => i.AccessKeyId == accessKeyId) is not { } issued)
        {
            error = new ApiError("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404);
            return null;
        }

        if (token is null) error = new ApiError("MissingSecurityToken", "SecurityToken is mandatory for this action.");
        else if (token != issued.Token) error = state.Issued.Exists(i => i.Token == token) ? Mismatch : Malformed;
        else if (issued.Expiration <= state.Now)
            error = new ApiError("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
        if (error is not null) return null;
        var role = state.Roles.Find(r => r.Name == issued.RoleName);
        principal = new Principal(
            accessKeyId, $"{issued.RoleName}:{issued.SessionName}", "AssumedRoleUser", issued.InstanceId, role?.DeniedActions ?? ["*"]);
        return issued.Secret;
    }

    private static ApiError Mismatch =>
        new("InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey.");

    private static ApiError Malformed => new("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.");

    private string Marked(string secret) =>
        state.Settings.IssuedSecretMark is { Length: > 0 } mark ? mark + secret[Math.Min(mark.Length, secret.Length)..] : secret;

    private string Letters(int length) => new(random.GetItems<char>(KeyLetters, length));

    // Base64 of random bytes, with characters that must be encoded in a query.
    private string Token()
    {
        var bytes = new byte[96];
        random.NextBytes(bytes);
        return "CAIS+/" + state.Settings.IssuedTokenMark + Convert.ToBase64String(Encoding.ASCII.GetBytes("v1")) + Convert.ToBase64String(
            bytes);
    }
}
