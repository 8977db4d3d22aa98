using System.Globalization;
using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.AliCloud.Sts;

/// <summary>The parameters of a role to assume, as they were given. Null and empty mean "not given".</summary>
public sealed record AssumedRoleOptions
{
    /// <summary>Such as <c>acs:ram::1234567890123456:role/name</c>.</summary>
    public string? Arn { get; init; }

    /// <summary>Recorded by ActionTrail.</summary>
    public string? SessionName { get; init; }

    /// <summary>A value that the role's trust policy may require (confused deputy problem).</summary>
    public string? ExternalId { get; init; }

    /// <summary>A policy in JSON that limits the permissions of the role further.</summary>
    public string? Policy { get; init; }

    /// <summary>Lifetime of a key in seconds; <c>0</c> means "not given".</summary>
    public string? DurationSeconds { get; init; }

    /// <summary>The region whose STS is called.</summary>
    public string? RegionId { get; init; }
}

/// <summary>A role that is assumed with another key; it may belong to another account. Immutable.</summary>
/// <remarks>The limits are those of AssumeRole (STS 2015-04-01).</remarks>
public sealed class AssumedRole
{
    private const string DefaultSessionName = "flanneld";
    private const int MaxExternalIdLength = 1224;
    private const int MinDurationSeconds = 900;
    private const int DefaultDurationSeconds = 3600;

    private AssumedRole(AssumedRoleOptions options)
    {
        Arn = options.Arn!;
        SessionName = NonEmpty(options.SessionName) ?? DefaultSessionName;
        ExternalId = NonEmpty(options.ExternalId);
        Policy = NonEmpty(options.Policy);
        DurationSeconds = HasDuration(options) ? options.DurationSeconds! : DefaultDurationSeconds.ToString(CultureInfo.InvariantCulture);
        RegionId = NonEmpty(options.RegionId);
    }

    public string Arn { get; }

    public string SessionName { get; }

    /// <summary>Null if it is not given.</summary>
    public string? ExternalId { get; }

    /// <summary>Null if it is not given.</summary>
    public string? Policy { get; }

    /// <summary>A decimal number of at least 900.</summary>
    public string DurationSeconds { get; }

    /// <summary>The region whose STS is called; null for the instance's region.</summary>
    public string? RegionId { get; }

    /// <summary>For messages.</summary>
    public string Name => $"RAM role {Arn}";

    /// <returns>A failure names the invalid parameter and never quotes it.</returns>
    public static Result<AssumedRole> Create(AssumedRoleOptions options) =>
        Problem(options) is { } problem ? Result.Failure(problem) : new AssumedRole(options);

    private static string? Problem(AssumedRoleOptions options)
    {
        if (options.Arn is not { } arn || !ResourceIdFormat.IsRoleArn(arn))
            return "the role must be an ARN such as acs:ram::1234567890123456:role/name";
        if (NonEmpty(options.SessionName) is { } session && !ResourceIdFormat.IsRoleSessionName(session))
            return "the session name must be 2 to 64 letters, digits, dots, at signs, dashes or underscores";
        if (NonEmpty(options.ExternalId) is { } externalId && !IsExternalId(externalId))
            return $"the external id must be 2 to {MaxExternalIdLength} characters";
        if (HasDuration(options) && !IsDuration(options.DurationSeconds!))
            return $"the duration must be a number of seconds of at least {MinDurationSeconds}";
        return NonEmpty(options.RegionId) is { } region && !ResourceIdFormat.IsRegionId(region)
            ? "the STS region must be a region id such as cn-hangzhou"
            : null;
    }

    private static bool HasDuration(AssumedRoleOptions options) => NonEmpty(options.DurationSeconds) is not (null or "0");

    private static bool IsExternalId(string text) =>
        text.Length is >= 2 and <= MaxExternalIdLength && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    private static bool IsDuration(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= MinDurationSeconds;

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
