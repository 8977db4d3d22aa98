using Flannel.HostNetwork;
using Flanneld.Backends;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Makes the host agree with the <see cref="NodeState"/>, and reports the result to it: <c>subnet.env</c> exists exactly while the
/// subnet may be used.</summary>
/// <param name="masquerade">Must be in place before the file is written; null without <c>--ip-masq</c>.</param>
internal sealed class HostReconciler(NodeReadiness readiness, SubnetFileReconciler file, Masquerade? masquerade, ILogger logger)
{
    /// <summary>How often the host is compared with the state without an event: another program may change the file.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private bool isMasqueradeApplied;
    private string? lastLogged;

    /// <summary>Must be set up before the file is written; null for a backend that sets up nothing on the host.</summary>
    public IForwarding? Forwarding { get; init; }

    /// <summary>Completes when <see cref="Forwarding"/> has changed since the last reconcile; null without it.</summary>
    public Task? ForwardingChanged { get; private set; }

    public async Task ReconcileAsync(CancellationToken cancellation)
    {
        var state = readiness.State;
        ForwardingChanged = Forwarding?.Changed;
        var error = state.Use == SubnetUse.Allowed
            ? Forwarding?.NotReadyReason ?? await ApplyMasqueradeAsync(cancellation)
            : null;
        readiness.Apply(new NodeEvent.HostReconciled(
            error is null ? file.Reconcile(state.Use, state.ForbiddenReason) : new SubnetFileCheck(IsCorrect: false, error)));
    }

    /// <returns>Why it is not in place; null when it is, or is not required.</returns>
    private async Task<string?> ApplyMasqueradeAsync(CancellationToken cancellation)
    {
        if (masquerade is null || isMasqueradeApplied) return null;
        var result = await masquerade.ApplyAsync(cancellation);
        isMasqueradeApplied = result.Ok;
        if (result.Error is { } error && error != lastLogged) NodeLog.HostError(logger, error);
        lastLogged = result.Error;
        return result.Error;
    }
}
