namespace Flannel.Kubernetes.Controller;

/// <summary>The times of the election by a Lease. The clocks of two machines are never compared: a holder counts from before it sent its
/// last renewal, and an observer from when it received that renewal.</summary>
internal static class ElectionTimes
{
    /// <summary>An observer takes the Lease if it was not renewed for this time; <c>leaseDurationSeconds</c>.</summary>
    public static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(15);

    /// <summary>The longest duration of a Lease that an observer waits for.</summary>
    public static readonly TimeSpan LongestDuration = TimeSpan.FromMinutes(1);

    /// <summary>How long ago a former holder must have renewed the Lease for its knowledge of the Nodes to be used.</summary>
    public static readonly TimeSpan HandoverLimit = TimeSpan.FromMinutes(2);

    /// <summary>A holder gives up if it did not renew the Lease for this time.</summary>
    public static readonly TimeSpan RenewDeadline = TimeSpan.FromSeconds(10);

    /// <summary>The time limit of each write of a term. One that begins at <see cref="RenewDeadline"/> ends two seconds before
    /// <see cref="LeaseDuration"/>: a margin for clocks that do not run equally fast.</summary>
    public static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(3);

    /// <summary>Leaves time for two more attempts if the API server hangs.</summary>
    public static readonly TimeSpan RenewInterval = TimeSpan.FromSeconds(4);

    public static readonly TimeSpan RenewCallLimit = TimeSpan.FromSeconds(2.5);

    public static readonly TimeSpan RenewRetry = TimeSpan.FromMilliseconds(500);

    /// <summary>One node polls the Lease this often; it sees a holder that resigns within this time.</summary>
    public static readonly TimeSpan StandbyPoll = TimeSpan.FromSeconds(1);

    /// <summary>All others, with up to a tenth less at random: 1,000 nodes send 35 reads per second.</summary>
    public static readonly TimeSpan ObserverPoll = TimeSpan.FromSeconds(30);

    /// <summary>The daemon waits for these requests before it stops.</summary>
    public static readonly TimeSpan ResignLimit = TimeSpan.FromSeconds(1);
}
