using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;
using Microsoft.Extensions.Logging;

namespace Flanneld.Vxlan;

/// <summary>The interface between the hosts.</summary>
/// <param name="Mtu">In bytes.</param>
internal sealed record HostLink(string Name, Ipv4Address Address, int Mtu)
{
    /// <summary>Null without one.</summary>
    public IpAddress? Ipv6Address { get; init; }
}

/// <summary>The MAC addresses of the node's VXLAN devices.</summary>
/// <param name="V6">Null without IPv6.</param>
internal sealed record VtepMacs(MacAddress V4, MacAddress? V6);

/// <summary>Creates the VXLAN devices before the lease is acquired, because the lease names their MAC addresses; as upstream does. A host
/// that cannot have them gets no lease that other nodes would send packets to.</summary>
internal sealed class VxlanPreparation(VxlanNetwork network, HostLink link, Random random, ILogger logger)
{
    /// <summary>The addresses of earlier attempts, by whether the device is that of IPv6.</summary>
    private readonly Dictionary<bool, MacAddress> selected = [];

    /// <param name="range">The cluster's IPv4 network.</param>
    /// <param name="ipv6Range">The cluster's IPv6 network; null without a tunnel of IPv6.</param>
    /// <param name="ownLease">The lease that this node has already; null without one.</param>
    /// <returns>Fails with one line that says what is missing on this host.</returns>
    public async Task<Result<VtepMacs>> RunAsync(
        VxlanBackendConfig tunnel, Ipv4Network range, Ipv6Network? ipv6Range, Lease? ownLease, CancellationToken cancellation)
    {
        var type = ownLease?.Attributes.BackendType;
        var own = type is FlannelContract.VxlanBackend or FlannelContract.AliVpcBackend ? ownLease?.Attributes : null;
        var ipv4 = await CreateAsync(tunnel, link.Address, range, own?.BackendData, cancellation);
        if (!ipv4.Ok) return Result.Failure(ipv4.Error);
        if (ipv6Range is not { } ipv6Network) return new VtepMacs(ipv4.Value, null);
        if (link.Ipv6Address is not { } local) return Result.Failure($"interface {link.Name} has no IPv6 address");
        var ipv6 = await CreateAsync(tunnel, local, ipv6Network, own?.BackendV6Data, cancellation);
        return ipv6.Select(mac => new VtepMacs(ipv4.Value, mac));
    }

    private async Task<Result<MacAddress>> CreateAsync(
        VxlanBackendConfig tunnel, IpAddress local, IpNetwork range, string? ownData, CancellationToken cancellation)
    {
        var observed = await network.ReadMacAsync(VxlanDevice.NameOf(tunnel.Vni, local.IsV6), cancellation);
        if (!observed.Ok) return Result.Failure(observed.Error);
        MacAddress? former = selected.TryGetValue(local.IsV6, out var known) ? known : null;
        var mac = selected[local.IsV6] = observed.Value.Mac ?? former ?? ReadMac(ownData) ?? MacAddress.CreateLocal(random);
        var device = tunnel.CreateDevice(link.Name, local, link.Mtu, mac);
        if (local.IsV6 && device.Mtu < VxlanDevice.SmallestIpv6Mtu)
        {
            return Result.Failure($"EnableIPv6 needs an MTU of {VxlanDevice.SmallestIpv6Mtu + VxlanDevice.Ipv6Overhead} or more,"
                + $" and interface {link.Name} has {link.Mtu}");
        }

        var ensured = await network.EnsureDeviceAsync(device, address: null, range, cancellation);
        if (!ensured.Ok) return Result.Failure(ensured.Error);
        if (ensured.Value.IsCreated) VxlanLog.LogCreated(logger, device, ensured.Value.Reason);
        return mac;
    }

    /// <summary>Peers keep their entries for this node if its MAC address stays the same.</summary>
    private static MacAddress? ReadMac(string? backendData)
    {
        var data = VxlanBackendData.Parse(backendData);
        return data.Ok ? data.Value.VtepMac : null;
    }
}
