using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Waits until the controller manager has assigned a podCIDR to this node's Node. Polls it: an assignment follows the creation of
/// the Node within seconds, unless the controller manager does not run.</summary>
internal sealed class Assignment(KubeContext context, NetConfFile netConf, OwnNode node)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Differs if the assignment or the configuration does.</summary>
    /// <param name="read">Null if the Node does not exist.</param>
    public static string VersionOf(KubeNode? read, long configRevision) =>
        read is null ? $"{configRevision}" : $"{configRevision} {read.Uid} {string.Join(' ', read.PodCidrs)}";

    /// <inheritdoc cref="ISubnetManager.WaitForAssignmentAsync"/>
    /// <exception cref="KubeException">The API server rejects the request, and retrying does not help.</exception>
    public async Task WaitForChangeAsync(string version, TimeSpan atMost, CancellationToken cancellation)
    {
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
                if (VersionOf(await node.ReadAsync(cancellation), netConf.Read().Revision) != version) return;
            }
            catch (KubeException e) when (e.CanBeAwaited)
            {
                retryAfter = e.RetryAfter;
            }
        }
    }
}
