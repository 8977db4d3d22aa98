using System.Globalization;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Sts;

/// <summary>A role that somebody else's key assumes, perhaps one of another account.</summary>
/// <remarks>Limits are those of STS 2015-04-01's AssumeRole.</remarks>
public sealed class AssumedRole
{
    /// <summary>What the account's audit log shows when nobody chose a name.</summary>
    public const string DefaultSessionName = "flanneld";

    private const int LongestExternalId = 1224;

    private AssumedRole(string arn, string sessionName, string? externalId, string? policy, string? durationSeconds, string? regionId) =>
        (Arn, SessionName, ExternalId, Policy, DurationSeconds, RegionId) = (arn, sessionName, externalId, policy, durationSeconds, regionId);

    public string Arn { get; }

    public string SessionName { get; }

    /// <summary>What the role's trust policy wants to hear, so that nobody can be made to assume it by a stranger.</summary>
    public string? ExternalId { get; }

    /// <summary>Narrows what the role may do; JSON.</summary>
    public string? Policy { get; }

    /// <summary>A number of at least 900; null for one hour.</summary>
    public string? DurationSeconds { get; }

    /// <summary>Whose STS is asked; null for the one nearby.</summary>
    public string? RegionId { get; }

    /// <summary>For people.</summary>
    public string Name => $"RAM role {Arn}";

    /// <summary>Empty texts are "not given".</summary>
    /// <returns>Null and the rest of a sentence that begins with where it stands. It quotes no value.</returns>
    public static AssumedRole? Create(
        string? arn, string? sessionName, string? externalId, string? policy, string? durationSeconds, string? regionId, out string error)
    {
        error = "";
        if (arn is null || !ResourceIdFormat.IsRoleArn(arn)) error = "the role must be an ARN such as acs:ram::1234567890123456:role/name";
        else if (!string.IsNullOrEmpty(sessionName) && !ResourceIdFormat.IsSessionName(sessionName))
            error = "the session name must be 2 to 64 letters, digits, dots, at signs, dashes or underscores";
        else if (!string.IsNullOrEmpty(externalId) && (externalId.Length is < 2 or > LongestExternalId || externalId.AsSpan().ContainsAnyExceptInRange('!', '~')))
            error = $"the external id must be 2 to {LongestExternalId} characters";
        else if (!string.IsNullOrEmpty(durationSeconds) && durationSeconds != "0"
            && !(int.TryParse(durationSeconds, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= 900))
            error = "the duration must be a number of seconds of at least 900";
        else if (!string.IsNullOrEmpty(regionId) && !ResourceIdFormat.IsRegion(regionId)) error = "the region of STS must be one such as cn-hangzhou";
        if (error.Length > 0) return null;
        return new AssumedRole(
            arn!, Given(sessionName) ?? DefaultSessionName, Given(externalId), Given(policy), durationSeconds == "0" ? null : Given(durationSeconds),
            Given(regionId));
    }

    private static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
