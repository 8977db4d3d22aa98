using System.Security.Cryptography;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Election;

/// <summary>The election of the route controller by a Lease of the group coordination.k8s.io in the daemon's namespace, with the rules of
/// client-go's <c>leaderelection</c>. RBAC must allow get, create and update of leases: the candidates poll.</summary>
/// <param name="nodeName">The first part of the holder's identity.</param>
/// <param name="self">What this node writes about itself.</param>
public sealed class KubeElection(KubeControllerContext context, string nodeName, ControllerHolder self)
{
    private const int IdentityHexDigits = 16;

    private readonly ControllerApi api = context.Api;
    private readonly KubeRetryPolicy retryPolicy = context.NewRetryPolicy();
    private readonly LeaseObserver observer = new(context.Time);
    private readonly KubeStandby standby = new(context, self);
    private readonly KubeNonCandidateStore candidates = new(context);
    private ControllerHolder? lastLogged;

    // A write of the present campaign has an unknown outcome.
    private bool mayHold;

    // The present campaign acquires a Lease that no node has held.
    private bool isNewLease;

    /// <summary>Returns when no other node is elected. Sends nothing to the cloud, except through
    /// <paramref name="mayControl"/>.</summary>
    /// <param name="mayControl">Whether this node's permissions allow it to be route controller. Called when there is no standby.</param>
    /// <returns>Whether this node was the standby: then its permissions were checked.</returns>
    public async Task<bool> ObserveAsync(Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        await WaitForVacancyAsync(null, mayControl, cancellation);
        return standby.IsReady;
    }

    /// <summary>Whether no other node is elected now. False also if the API server is unavailable, and while it is not known whether the
    /// holder that the Lease names still renews it.</summary>
    public async Task<bool> IsVacantAsync(CancellationToken cancellation)
    {
        try
        {
            return observer.IsVacant(await ReadAsync(cancellation));
        }
        catch (KubeException)
        {
            return false;
        }
    }

    /// <summary>Waits until this node is elected, and retries after every failure. If it is cancelled, it leaves nothing in the
    /// Lease.</summary>
    public async Task<KubeTerm> CampaignAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var term = await CompeteAsync(cancellation);
            KubeControllerLog.Elected(context.Logger, Name);
            term.Start();
            if (!isNewLease || await WaitForFormerHolderAsync(term, cancellation)) return term;
        }
    }

    private async Task<KubeTerm> CompeteAsync(CancellationToken cancellation)
    {
        // A new one for each term: its reader knows that no earlier term wrote it.
        var identity = $"{nodeName}_{RandomNumberGenerator.GetHexString(IdentityHexDigits, lowercase: true)}";
        KubeTerm? term = null;
        (mayHold, isNewLease) = (false, false);
        try
        {
            while (term is null)
            {
                // If another candidate is elected first, this one may become its standby without a check: its permissions are checked.
                var lease = await WaitForVacancyAsync(identity, _ => Task.FromResult(true), cancellation);
                term = await TryAcquireAsync(lease, identity, cancellation);
            }
        }
        finally
        {
            if (term is null && mayHold) await ReleaseUnusedAsync(identity);
        }

        return term;
    }

    /// <summary>Holds a term unused until the holder of a Lease that was deleted must have given up: it notices the deletion only with its
    /// next renewal, and writes until then.</summary>
    /// <returns>False if the term is lost meanwhile; then it is over.</returns>
    private async Task<bool> WaitForFormerHolderAsync(KubeTerm term, CancellationToken cancellation)
    {
        var isUsable = false;
        try
        {
            if (!await IsNewClusterAsync(cancellation))
            {
                KubeControllerLog.WaitingForFormerHolder(context.Logger, Name, ElectionTimes.LeaseDuration.TotalSeconds);
                using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, term.Lost);
                await Task.Delay(ElectionTimes.LeaseDuration, context.Time, end.Token).ConfigureAwait(TaskWait.IgnoringFailure);
                cancellation.ThrowIfCancellationRequested();
            }

            isUsable = !term.Lost.IsCancellationRequested;
        }
        finally
        {
            if (!isUsable) await term.ResignAsync();
        }

        return isUsable;
    }

    /// <summary>Whether no node was route controller yet: then no deleted Lease has a holder. False also if that cannot be read.</summary>
    private async Task<bool> IsNewClusterAsync(CancellationToken cancellation)
    {
        try
        {
            return await LimitedRequest.RunAsync(
                limited => api.GetLeaseAsync(ControllerObjects.ClusterName, limited), ElectionTimes.WriteLimit, context.Time,
                cancellation) is null;
        }
        catch (KubeException)
        {
            return false;
        }
    }

    /// <summary>Publishes why this node is not a candidate. Best effort: the next call repeats it.</summary>
    /// <param name="requestId">Of the call to the cloud that shows the reason; empty without one.</param>
    public async Task ReportNotCandidateAsync(string reason, string requestId, CancellationToken cancellation)
    {
        try
        {
            var node = new NonCandidate(self.InstanceId, self.PublicIp, reason, requestId, context.Time.GetUtcNow());
            await candidates.PublishAsync(node, observer.IsVacant, cancellation);
        }
        catch (KubeException)
        {
            // Only an explanation is missing.
        }
    }

    private ObjectName Name => ControllerObjects.Election(context.Namespace);

    private Task<KubeLease?> ReadAsync(CancellationToken cancellation) => LimitedRequest.RunAsync(
        limited => api.GetLeaseAsync(ControllerObjects.ElectionName, limited), ElectionTimes.WriteLimit, context.Time, cancellation);

    /// <param name="own">The identity of the present campaign: it may hold the Lease by a write whose response was lost.</param>
    /// <returns>The Lease that no other node holds; null if it does not exist.</returns>
    private async Task<KubeLease?> WaitForVacancyAsync(
        string? own, Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        lastLogged = null;
        standby.Begin();
        while (true)
        {
            try
            {
                var lease = await ReadAsync(cancellation);
                if ((own is not null && lease?.HolderIdentity == own) || observer.IsVacant(lease)) return lease;
                if (lease is not null) await ObserveHolderAsync(lease, mayControl, cancellation);
                await Task.Delay(PauseAfter(lease), context.Time, cancellation);
            }
            catch (KubeException e)
            {
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    private async Task ObserveHolderAsync(
        KubeLease lease, Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        // Released after it was deleted and created again: the former holder may not know it yet, and no node holds it now.
        if (ControllerObjects.HolderOf(lease) is not { } holder) return;
        if (holder != lastLogged) KubeControllerLog.Observing(context.Logger, holder.InstanceId, holder.PublicIp);
        lastLogged = holder;
        await standby.ObserveAsync(lease, mayControl, cancellation);
    }

    private TimeSpan PauseAfter(KubeLease? lease)
    {
        var pause = standby.IsReady
            ? ElectionTimes.StandbyPoll
            : ElectionTimes.ObserverPoll * (1 - context.Random.NextDouble() / 10);
        // Without a holder nothing is due.
        if (ControllerObjects.HolderOf(lease) is not null && standby.NextDue is { } due && due < pause) pause = due;
        // The holder's clock only says when to read again, not whether the Lease has expired.
        var mayBeOver = lease?.RenewTime is not { } renewed || context.Time.GetUtcNow() - renewed > ElectionTimes.LeaseDuration;
        if ((standby.IsReady || mayBeOver) && observer.Remaining < pause) pause = observer.Remaining;
        return TimerRange.Clamp(TimerRange.WholeMilliseconds(pause)) + TimeSpan.FromMilliseconds(1);
    }

    /// <returns>Null if another node was faster, or the request failed.</returns>
    private async Task<KubeTerm?> TryAcquireAsync(KubeLease? lease, string identity, CancellationToken cancellation)
    {
        // Nodes that publish why they are not candidates create the Lease, too.
        isNewLease = lease?.AcquireTime is null || (isNewLease && lease.HolderIdentity == identity);
        var sentAt = context.Time.GetTimestamp();
        try
        {
            var acquired = await LimitedRequest.RunAsync(
                limited => api.WriteLeaseAsync(Acquired(lease, identity), limited), ElectionTimes.WriteLimit, context.Time, cancellation);
            context.Versions.Begin(FormerVersion(lease));
            return new KubeTerm(context, new TermFence(identity, acquired, sentAt, context.Time), acquired);
        }
        catch (OperationCanceledException)
        {
            mayHold = true;
            throw;
        }
        catch (KubeException e)
        {
            // If it has acquired the Lease after all, the next read finds this campaign's identity, which no other node uses.
            mayHold |= e.MayHaveHappened;
            if (e.Kind != KubeErrorKind.Conflict) await retryPolicy.PauseAsync(e, cancellation);
            return null;
        }
    }

    private KubeLease Acquired(KubeLease? vacant, string identity)
    {
        var lease = vacant ?? new KubeLease(Name, "");
        var now = context.Time.GetUtcNow();
        return (lease with
        {
            HolderIdentity = identity,
            Duration = ElectionTimes.LeaseDuration,
            AcquireTime = now,
            RenewTime = now,
            Transitions = vacant is null ? 0 : lease.Transitions + 1,
        })
            .With(ControllerObjects.ControllerAnnotation, ControllerObjects.ToJson(self))
            .With(ControllerObjects.StandbyAnnotation, null)
            // In the same write, so that no reason of before the election is read after it.
            .With(ControllerObjects.CandidatesAnnotation, null);
    }

    /// <summary>The version of the Nodes that the former route controller has left. Null also if the Lease was renewed long ago: it may be
    /// of a backup, after which a Node that is missing now was created again. A wrong clock has the same effect.</summary>
    private string? FormerVersion(KubeLease? lease) =>
        lease?.RenewTime is { } renewed && (context.Time.GetUtcNow() - renewed).Duration() <= ElectionTimes.HandoverLimit
            ? lease.Annotations.GetValueOrDefault(ControllerObjects.NodesVersionAnnotation)
            : null;

    /// <summary>Releases the Lease if a write of this campaign acquired it and its response was lost.</summary>
    private async Task ReleaseUnusedAsync(string identity)
    {
        // Not the caller's cancellation: this runs during a stop.
        using var timeout = new CancellationTokenSource(ElectionTimes.ResignLimit, context.Time);
        try
        {
            var lease = await api.GetLeaseAsync(ControllerObjects.ElectionName, timeout.Token);
            if (lease?.HolderIdentity == identity) await api.UpdateLeaseAsync(KubeTerm.Released(lease), timeout.Token);
        }
        catch (Exception e) when (e is KubeException or OperationCanceledException)
        {
            KubeControllerLog.NotReleased(context.Logger, Name, e.Message);
        }
    }
}
