using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The device as the kernel has it.</summary>
/// <param name="Kind"><c>vxlan</c>, or that of a device of another program; empty for a physical one.</param>
/// <param name="Parent">Empty without one.</param>
/// <param name="Local">Null without one.</param>
/// <param name="Addresses">Of both families.</param>
public sealed record ObservedDevice(
    string Kind, int Vni, string Parent, IpAddress? Local, int Port, int Mtu, MacAddress Mac, IReadOnlyList<ObservedAddress> Addresses)
{
    public bool Gbp { get; init; }

    public bool Learning { get; init; }

    public bool IsUp { get; init; }
}

/// <summary>An address of an interface.</summary>
public sealed record ObservedAddress(IpAddress Address, int PrefixLength);

/// <summary>A neighbor entry of the device.</summary>
public sealed record ObservedNeighbor(IpAddress Address, MacAddress Mac, bool IsPermanent);

/// <summary>An entry of the device's forwarding database.</summary>
/// <param name="IsPermanent">False for one that the kernel has learned.</param>
public sealed record ObservedFdbEntry(MacAddress Mac, IpAddress Destination, bool IsPermanent);

/// <summary>What the kernel forwards by: the entries of the device, and the routes inside the cluster's network.</summary>
/// <param name="Routes">Without those that have a metric, no gateway, or several.</param>
public sealed record ObservedEntries(
    IReadOnlyList<ObservedNeighbor> Neighbors, IReadOnlyList<ObservedFdbEntry> Fdb, IReadOnlyList<VxlanRoute> Routes)
{
    public static readonly ObservedEntries None = new([], [], []);

    /// <summary>The peers that an earlier run, or upstream flannel, wrote complete entries for.</summary>
    /// <param name="network">The cluster's.</param>
    public IReadOnlyList<VxlanPeer> ReadPeers(string device, IpNetwork network)
    {
        var peers = new List<VxlanPeer>();
        foreach (var route in Routes.Where(route => VxlanPlan.IsOwn(route, device, network)))
        {
            if (route.Device != device)
            {
                peers.Add(new VxlanPeer(route.Destination, route.Gateway, null));
                continue;
            }

            var neighbor = Neighbors.FirstOrDefault(each => each.IsPermanent && each.Address == route.Gateway);
            var entry = neighbor is null ? null : Fdb.FirstOrDefault(each => each.IsPermanent && each.Mac == neighbor.Mac);
            if (entry is not null) peers.Add(new VxlanPeer(route.Destination, entry.Destination, entry.Mac));
        }

        return peers;
    }
}
