using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>STS 2015-04-01: temporary keys of a role for the callers that its trust policy names.</summary>
internal static partial class StsActions
{
    private const int ShortestSession = 900;

    /// <summary>The same error for a missing permission and for a caller that the role does not trust.</summary>
    public static readonly ApiError NoPermission = new(
        "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.", 403);

    public static ApiAction[] All(Credentials credentials) =>
    [
        new("sts", "AssumeRole", (state, p) => Assume(state, credentials, p),
            ParameterRule.Text("RoleArn").Mandatory(), ParameterRule.Text("RoleSessionName").Mandatory(),
                ParameterRule.Text("DurationSeconds"),
            ParameterRule.Text("ExternalId"), ParameterRule.Text("Policy")),
        new("sts", OidcRequest.Action, (state, p) => AssumeWithOidc(state, credentials, p),
            ParameterRule.Text("RoleArn").Mandatory(), ParameterRule.Text("OIDCProviderArn").Mandatory(),
                ParameterRule.Text("OIDCToken").Mandatory(),
            ParameterRule.Text("RoleSessionName").Mandatory(), ParameterRule.Text("DurationSeconds"), ParameterRule.Text("Policy")),
    ];

    private static ApiResult Assume(CloudState state, Credentials credentials, Parameters p)
    {
        if (Check(state, p, out var role) is { } error) return error;
        if (!role!.TrustedBy.Contains(p.Caller!.Identity, StringComparer.Ordinal)
            || (role.ExternalId is { } id && id != p["ExternalId"])) return NoPermission;
        return Session(credentials, role, p, p.Caller.InstanceId);
    }

    private static ApiResult AssumeWithOidc(CloudState state, Credentials credentials, Parameters p)
    {
        if (state.OidcProviders.Find(o => o.Arn == p["OIDCProviderArn"]) is not { } provider)
            return new ApiError("AuthenticationFail.NoPermission", "No such OIDC Provider registered.", 403);
        var token = p.Required("OIDCToken");
        if (provider.Expired.Contains(token)) return new ApiError("AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.");
        if (!provider.Tokens.Contains(token, StringComparer.Ordinal)) return new ApiError(
            "AuthenticationFail.OIDCToken.Invalid", "The OIDCToken is invalid.");
        if (Check(state, p, out var role) is { } error) return error;
        if (!role!.TrustedBy.Contains(provider.Name, StringComparer.Ordinal)) return new ApiError(
            "AuthenticationFail.NoPermission", "There is no permission", 403);
        return Session(credentials, role, p, null);
    }

    private static ApiError? Check(CloudState state, Parameters p, out Role? role)
    {
        role = null;
        var arn = p.Required("RoleArn");
        if (!Arn().IsMatch(arn)) return new ApiError("InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.");
        if (!SessionName().IsMatch(p.Required("RoleSessionName")))
            return new ApiError("InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.");
        if (p["Policy"] is { } policy && !IsPolicy(policy))
            return new ApiError("InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.");
        role = state.Roles.Find(r => r.Arn == arn);
        if (role is null) return new ApiError("EntityNotExist.Role", $"The role not exists: {arn}.", 404);
        var longest = role.MaxSessionDurationSeconds;
        return p["DurationSeconds"] is not { } text
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= ShortestSession
                && seconds <= longest)
            ? null
            : new ApiError("InvalidParameter.DurationSeconds",
                $"The Min/Max value of DurationSeconds is {ShortestSession}/{longest} seconds.");
    }

    private static Done Session(Credentials credentials, Role role, Parameters p, string? instanceId)
    {
        var session = p.Required("RoleSessionName");
        var key = credentials.Issue(role.Name, session, instanceId, p.Integer("DurationSeconds", 3600));
        return new Done(new
        {
            AssumedRoleUser = new
            {
                Arn = $"{role.Arn.Replace(":role/", ":assumed-role/", StringComparison.Ordinal)}/{session}",
                AssumedRoleId = $"3000:{session}"
            },
            Credentials = new
            {
                key.AccessKeyId,
                AccessKeySecret = key.Secret,
                SecurityToken = key.Token,
                Expiration = key.Expiration.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            },
        });
    }

    private static bool IsPolicy(string text)
    {
        try
        {
            using var policy = JsonDocument.Parse(text);
            return policy.RootElement.ValueKind == JsonValueKind.Object && policy.RootElement.TryGetProperty("Statement", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex("^acs:ram::[0-9]+:role/[A-Za-z0-9._-]{1,64}$")]
    private static partial Regex Arn();

    [GeneratedRegex("^[A-Za-z0-9.@_-]{2,64}$")]
    private static partial Regex SessionName();
}
