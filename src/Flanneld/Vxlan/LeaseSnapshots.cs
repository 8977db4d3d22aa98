using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Vxlan;

/// <summary>The newest snapshot of all leases. Thread-safe.</summary>
internal sealed class LeaseSnapshots(ISubnetManager subnets)
{
    private readonly ObservableValue<LeaseSnapshot?> newest = new(null);

    /// <summary>Null before the first list.</summary>
    public LeaseSnapshot? Current => newest.Current;

    /// <summary>Completes with the next snapshot.</summary>
    public Task Changed => newest.Changed;

    /// <summary>Watches the leases until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var snapshot in subnets.WatchLeasesAsync(cancellation)) newest.Set(snapshot);
    }
}
