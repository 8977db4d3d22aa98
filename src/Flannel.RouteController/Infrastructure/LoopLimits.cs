namespace Flannel.RouteController.Infrastructure;

/// <summary>Limits for the liveness monitor.</summary>
internal static class LoopLimits
{
    /// <summary>The longest time of one pass, or of one read of the interfaces. It makes some calls, each of which may first wait for as
    /// long as the server says (at most 5 minutes) and then for its time-out.</summary>
    public static readonly TimeSpan LongestPass = TimeSpan.FromMinutes(30);
}
