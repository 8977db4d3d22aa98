using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>Keeps the firewall rules of this node, and reports what happens to them: one line for each new error.</summary>
internal sealed class FirewallReconciler(
    HostFirewall firewall, FirewallSettings settings, IpNetwork network, HostRepairs repairs, TimeProvider time, ILogger logger)
{
    private readonly FirewallReport masquerading = new("masquerade", network.ToString(), logger)
    {
        Repairs = repairs.Masquerade,
        Flag = "--ip-masq",
        IsDesired = settings.Masquerades,
        IsRequired = settings.Masquerades && settings.IsAwaited,
    };

    private readonly FirewallReport forwarding = new("forwarding", network.ToString(), logger)
    {
        Repairs = repairs.Forwarding,
        Flag = "--iptables-forward-rules",
        IsDesired = settings.Forwarding != ForwardingMode.Off,
        IsRequired = settings.Forwarding == ForwardingMode.Required && settings.IsAwaited,
    };

    // The node's loop makes passes until it is true, and KeepAsync from then on: there is one pass at a time.
    private volatile bool isSettled;

    /// <summary>Makes the first passes, until all required rules are in place.</summary>
    /// <returns>Why they are not, one line; null when they are.</returns>
    public async Task<string?> EnsureAsync(CancellationToken cancellation)
    {
        if (isSettled) return null;
        var error = await ReconcileAsync(cancellation);
        isSettled = error is null;
        return error;
    }

    /// <summary>Sets the rules, and restores them, for a node that does not wait for them. Ends only by cancellation.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await EnsureAsync(cancellation);
        await KeepAsync(cancellation);
    }

    /// <summary>Checks the rules at each interval, and restores them. Ends only by cancellation.</summary>
    public async Task KeepAsync(CancellationToken cancellation)
    {
        if (settings.Resync == TimeSpan.Zero) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
        while (true)
        {
            await Task.Delay(settings.Resync, time, cancellation);
            if (isSettled && (masquerading.IsKept || forwarding.IsKept)) await ReconcileAsync(cancellation);
        }
    }

    /// <returns>Why required rules are not in place; null when they are.</returns>
    private async Task<string?> ReconcileAsync(CancellationToken cancellation)
    {
        if (settings.Forwarding == ForwardingMode.IfPermitted && settings.Programs.LacksPermission())
            forwarding.Report(new FirewallResult.Unavailable("this process does not have CAP_NET_ADMIN"));
        var pass = await firewall.ReconcileAsync(cancellation);
        var masqueradeError = masquerading.Report(pass.Masquerading);
        var forwardingError = forwarding.Report(pass.Forwarding);
        return masqueradeError ?? forwardingError;
    }
}
