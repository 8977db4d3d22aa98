using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Waits until the controller manager has assigned a podCIDR to this node's Node. Polls it: an assignment follows the creation of
/// the Node within seconds, unless the controller manager does not run.</summary>
/// <param name="events">Receives what is not assigned after some time.</param>
internal sealed class Assignment(KubeContext context, NetConfFile netConf, OwnNode node, AssignmentEvents events)
{
    // A new Node has no podCIDR yet.
    private static readonly TimeSpan EventDelay = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Differs if the assignment or the configuration does.</summary>
    /// <param name="read">Null if the Node does not exist.</param>
    public static string VersionOf(KubeNode? read, long configRevision) =>
        read is null ? $"{configRevision}" : $"{configRevision} {read.Uid} {string.Join(' ', read.PodCidrs)}";

    /// <inheritdoc cref="ISubnetManager.WaitForAssignmentAsync"/>
    /// <exception cref="KubeException">The API server rejects the request, and retrying does not help.</exception>
    public async Task WaitForChangeAsync(AcquireResult.Unassigned result, TimeSpan atMost, CancellationToken cancellation)
    {
        var began = context.Time.GetTimestamp();
        var end = context.Time.TimestampAfter(TimerRange.Clamp(atMost));
        var pauses = new Backoff(FirstPause, LongestPause, context.Random);
        TimeSpan? retryAfter = null;
        while (context.Time.TimeUntil(end) is var left && left > TimeSpan.Zero)
        {
            var pause = pauses.Next(retryAfter);
            await Task.Delay(TimerRange.Clamp(pause < left ? pause : left), context.Time, cancellation);
            try
            {
                retryAfter = null;
                var read = await node.ReadAsync(cancellation);
                if (VersionOf(read, netConf.Read().Revision) != result.Version) return;
                if (read is not null && context.Time.GetElapsedTime(began) >= EventDelay)
                    await events.SendAsync(read, result, cancellation);
            }
            catch (KubeException e) when (e.CanBeAwaited)
            {
                retryAfter = e.RetryAfter;
            }
        }
    }
}
