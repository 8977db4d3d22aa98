using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Whether the tunnel is set up, and for how many nodes. One task sets it; any thread may read.</summary>
/// <param name="initialReason">Why it is not, at first.</param>
internal sealed class ForwardingState(string initialReason) : IForwarding
{
    private readonly ObservableValue<State> state = new(new State(initialReason, 0));

    public string? NotReadyReason => state.Current.NotReadyReason;

    public int Peers => state.Current.Peers;

    public Task Changed => state.Changed;

    /// <param name="reason">Null when it is set up.</param>
    /// <param name="peers">Null if the last number still holds.</param>
    public void Set(string? reason, int? peers)
    {
        var next = new State(reason, peers ?? state.Current.Peers);
        if (next != state.Current) state.Set(next);
    }

    private sealed record State(string? NotReadyReason, int Peers);
}
