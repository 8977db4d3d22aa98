using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Says in an Event about this node's Node why it has no subnet, for <c>kubectl describe node</c>. Best effort: RBAC may not allow
/// it. Called by one task at a time.</summary>
internal sealed class AssignmentEvents(KubeContext context)
{
    public const string NotAssigned = "PodCIDRNotAssigned";
    public const string OutsideNetwork = "PodCIDROutsideNetwork";

    // The API server deletes an event after an hour.
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromMinutes(30);

    private KubeEvent? last;
    private long lastAt;

    public async Task SendAsync(KubeNode node, AcquireResult.Unassigned result, CancellationToken cancellation)
    {
        var reason = result is AcquireResult.OutsideNetwork ? OutsideNetwork : NotAssigned;
        var created = NodeEvent.Create(node, reason, result.Reason, context.Time.GetUtcNow(), context.Random) with { IsWarning = true };
        var isSame = last is not null && last.NodeUid == created.NodeUid && last.Message == created.Message;
        if (isSame && context.Time.GetElapsedTime(lastAt) < RepeatInterval) return;
        // Before the request: one that is rejected is not repeated sooner either.
        (last, lastAt) = (created, context.Time.GetTimestamp());
        try
        {
            await context.Api.CreateEventAsync(created, cancellation);
        }
        catch (KubeException e)
        {
            KubeLog.EventNotSent(context.Logger, node.Name, e.Message);
        }
    }
}
