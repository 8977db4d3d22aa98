namespace Flannel.RouteController.Abstractions;

/// <summary>The election of the route controller of one cluster. At most one node is elected at a time. An implementation uses a key in
/// etcd, a Lease object of Kubernetes, or a model. Not thread-safe: one caller at a time.</summary>
public interface IElection
{
    /// <summary>Waits while another node is elected. Does not compete, and sends nothing to the cloud but by
    /// <paramref name="mayControl"/>.</summary>
    /// <param name="mayControl">Whether this node's permissions allow it to be route controller. Called if this node may become the
    /// standby, which replaces the elected node without delay.</param>
    /// <returns>Whether this node was the standby: then its permissions were checked.</returns>
    Task<bool> ObserveAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation);

    /// <summary>Whether no other node is elected now. False also if the store is unavailable.</summary>
    Task<bool> IsVacantAsync(CancellationToken cancellation);

    /// <summary>Competes until this node is elected. Errors of the store are retried without end. A cancelled call leaves nothing behind in
    /// the store. The previous term of this node must be disposed of before.</summary>
    Task<IElectedTerm> CampaignAsync(CancellationToken cancellation);

    /// <summary>Publishes why this node does not compete, for those that wait for a route controller. Best effort: a failure of the store
    /// is ignored, and the next call repeats it.</summary>
    /// <param name="reason">One line without a request id: a repeated reason costs no write.</param>
    /// <param name="requestId">Of the call to the cloud that shows the reason; empty without one.</param>
    Task ReportNotCandidateAsync(string reason, string requestId, CancellationToken cancellation);
}
