namespace Flannel.AliCloud.Credentials;

/// <summary>When a temporary key is refreshed. The jitter spreads the refreshes of many nodes.</summary>
internal static class RefreshSchedule
{
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(10);

    /// <summary>For a key that looks expired to the clock of this machine while the cloud's time is unknown.</summary>
    private static readonly TimeSpan UnknownTimePause = TimeSpan.FromMinutes(1);

    /// <summary>A key with a shorter remaining lifetime is refreshed after 40 to 50 % of it.</summary>
    private static readonly TimeSpan LongLifetime = TimeSpan.FromMinutes(40);

    /// <summary>A key with a long remaining lifetime is refreshed 15 to 20 minutes before its expiration.</summary>
    private static readonly TimeSpan LeadTime = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan LeadTimeJitter = TimeSpan.FromMinutes(5);

    /// <param name="cloudTime">Null while it is unknown.</param>
    /// <param name="jitter">From 0 to 1.</param>
    public static TimeSpan PauseBefore(DateTimeOffset expiration, DateTimeOffset? cloudTime, DateTimeOffset localTime, double jitter)
    {
        var left = expiration - (cloudTime ?? localTime);
        if (cloudTime is null && left <= TimeSpan.Zero) return UnknownTimePause;
        var pause = left > LongLifetime ? left - LeadTime - LeadTimeJitter * jitter : left * (0.4 + 0.1 * jitter);
        return pause > MinPause ? pause : MinPause;
    }

    /// <summary>50 to 70 seconds.</summary>
    /// <param name="jitter">From 0 to 1.</param>
    public static TimeSpan PauseAfterFailure(double jitter) => TimeSpan.FromSeconds(50 + 20 * jitter);
}
