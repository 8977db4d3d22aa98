using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;

namespace Flanneld.Vxlan;

/// <summary>Makes the host's VXLAN device and its entries agree with the leases. One caller.</summary>
internal sealed class VxlanReconciler(VxlanTarget target, VxlanNetwork network, TimeProvider time)
{
    private readonly PeerTable table = new(target.Self.Subnet, time);
    private readonly FallbackTable? fallback = target.IsFallback ? new FallbackTable(target.Self.Subnet, time) : null;
    private bool isFirst = true;

    /// <returns>Fails if the device does not stand.</returns>
    public async Task<Result<VxlanPass>> ReconcileAsync(ClusterSnapshot cluster, CancellationToken cancellation)
    {
        var device = await network.EnsureDeviceAsync(target.Device, target.Self.Subnet.Address, target.Network, cancellation);
        if (!device.Ok) return Result.Failure(device.Error);
        var observed = await network.ReadEntriesAsync(target.Device.Name, target.Network, cancellation);
        if (!observed.Ok) return Result.Failure(observed.Error);
        IReadOnlyList<IpNetwork> direct = [];
        if (target.IsDirectRouting)
        {
            var read = await network.ReadDirectNetworksAsync(target.Device.Parent, cancellation);
            if (!read.Ok) return Result.Failure(read.Error);
            direct = read.Value;
        }

        var snapshot = cluster.Leases;
        if (isFirst) table.AddObserved(observed.Value.ReadPeers(target.Device.Name, target.Network));
        isFirst = false;
        fallback?.Update(snapshot.Leases, cluster.Statuses, table.Peers.Select(peer => peer.Subnet).ToHashSet());
        var leases = LeasedPeers.Read(snapshot.Leases, target.Network, target.Self, fallback is null ? null : fallback.UsesTunnel);
        table.Update(leases, snapshot.Listing, snapshot.IsComplete);
        var peers = table.Peers;
        var desired = VxlanEntries.For(peers, target.Device, direct);
        var plan = VxlanPlan.Create(desired, observed.Value, target.Device.Name, target.Network);
        var applied = await network.ApplyAsync(plan, cancellation);
        return new VxlanPass(device.Value, plan, peers.Count)
        {
            Absent = table.AbsentCount,
            OtherBackends = leases.OtherBackends,
            Rejected = leases.Rejected,
            IsSettling = fallback is { IsSettling: true },
            EntriesError = applied.Error,
        };
    }
}
