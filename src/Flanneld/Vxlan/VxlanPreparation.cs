using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;
using Microsoft.Extensions.Logging;

namespace Flanneld.Vxlan;

/// <summary>The interface between the hosts.</summary>
/// <param name="Mtu">In bytes.</param>
internal sealed record HostLink(string Name, Ipv4Address Address, int Mtu);

/// <summary>Creates the VXLAN device before the lease is acquired, because the lease names its MAC address; as upstream does. A host that
/// cannot have the device gets no lease that other nodes would send packets to.</summary>
internal sealed class VxlanPreparation(VxlanNetwork network, HostLink link, Random random, ILogger logger)
{
    private MacAddress? selected;

    /// <param name="range">The cluster's network.</param>
    /// <param name="ownLease">The lease that this node has already; null without one.</param>
    /// <returns>The MAC address of the device; fails with one line that says what is missing on this host.</returns>
    public async Task<Result<MacAddress>> RunAsync(
        VxlanBackendConfig tunnel, Ipv4Network range, Lease? ownLease, CancellationToken cancellation)
    {
        var observed = await network.ReadMacAsync(VxlanDevice.NameOf(tunnel.Vni), cancellation);
        if (!observed.Ok) return Result.Failure(observed.Error);
        selected = observed.Value.Mac ?? selected ?? ReadMac(ownLease) ?? MacAddress.CreateLocal(random);
        var device = tunnel.CreateDevice(link.Name, link.Address, link.Mtu, selected.Value);
        var ensured = await network.EnsureDeviceAsync(device, address: null, range, cancellation);
        if (!ensured.Ok) return Result.Failure(ensured.Error);
        if (ensured.Value.IsCreated) VxlanLog.LogCreated(logger, device, ensured.Value.Reason);
        return selected.Value;
    }

    /// <summary>Peers keep their entries for this node if its MAC address stays the same.</summary>
    private static MacAddress? ReadMac(Lease? lease)
    {
        if (lease?.Attributes.BackendType is not (FlannelContract.VxlanBackend or FlannelContract.AliVpcBackend)) return null;
        var data = VxlanBackendData.Parse(lease.Attributes.BackendData);
        return data.Ok ? data.Value.VtepMac : null;
    }
}
