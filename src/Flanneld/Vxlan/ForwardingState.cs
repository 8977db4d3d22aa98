using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Whether the tunnel is set up. One task sets it; any thread may read.</summary>
/// <param name="initialReason">Why it is not, at first.</param>
internal sealed class ForwardingState(string initialReason) : IForwarding
{
    private readonly ObservableValue<string?> reason = new(initialReason);

    // No peer before the first pass.
    private volatile int peers;

    public string? NotReadyReason => reason.Current;

    public int Peers => peers;

    public Task Changed => reason.Changed;

    /// <param name="newReason">Null when it is set up.</param>
    /// <param name="newPeers">Null to keep the number.</param>
    public void Set(string? newReason, int? newPeers)
    {
        if (newPeers is { } known) peers = known;
        if (newReason != reason.Current) reason.Set(newReason);
    }
}
