using Flannel.Core;
using Flanneld.Backends;

namespace Flanneld.Vxlan;

/// <summary>Whether the tunnel is set up. One task sets it; any thread may read.</summary>
/// <param name="initialReason">Why it is not, at first.</param>
internal sealed class ForwardingState(string initialReason) : IForwarding
{
    private readonly ObservableValue<string?> reason = new(initialReason);

    public string? NotReadyReason => reason.Current;

    public Task Changed => reason.Changed;

    /// <param name="newReason">Null when it is set up.</param>
    public void Set(string? newReason)
    {
        if (newReason != reason.Current) reason.Set(newReason);
    }
}
