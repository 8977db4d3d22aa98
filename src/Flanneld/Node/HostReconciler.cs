using Flanneld.Backends;

namespace Flanneld.Node;

/// <summary>Makes the host agree with the <see cref="NodeState"/>, and reports the result to it: <c>subnet.env</c> exists exactly while the
/// subnet may be used.</summary>
/// <param name="firewall">Its required rules must be in place before the file is written; null if there are none.</param>
internal sealed class HostReconciler(NodeReadiness readiness, SubnetFileReconciler file, FirewallReconciler? firewall)
{
    /// <summary>How often the host is compared with the state without an event: another program may change the file.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Must be set up before the file is written; null for a backend that sets up nothing on the host.</summary>
    public IForwarding? Forwarding { get; init; }

    /// <summary>Follows the file; null without <c>--install-cni</c>.</summary>
    public ConflistReconciler? Conflist { get; init; }

    /// <summary>Completes when <see cref="Forwarding"/> has changed since the last reconcile; null without it.</summary>
    public Task? ForwardingChanged { get; private set; }

    public async Task ReconcileAsync(CancellationToken cancellation)
    {
        var state = readiness.State;
        ForwardingChanged = Forwarding?.Changed;
        var error = state.Use == SubnetUse.Allowed ? await FindHostProblemAsync(cancellation) : null;
        var check = error is null ? file.Reconcile(state.Use, state.ForbiddenReason) : new SubnetFileCheck(IsCorrect: false, error);
        readiness.Apply(new NodeEvent.HostReconciled(Conflist?.Reconcile(check) ?? check, Forwarding?.Peers));
    }

    /// <returns>What must still be set up on the host before the file is written; null if nothing.</returns>
    private async Task<string?> FindHostProblemAsync(CancellationToken cancellation)
    {
        if (Forwarding?.NotReadyReason is { } reason) return reason;
        return firewall is null ? null : await firewall.EnsureAsync(cancellation);
    }
}
