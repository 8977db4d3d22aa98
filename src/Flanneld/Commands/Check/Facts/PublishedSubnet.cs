using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flanneld.Commands.Check.Facts;

/// <summary>What <c>subnet.env</c> tells Docker and CNI.</summary>
/// <param name="Mtu">In bytes; null if the file has none.</param>
/// <param name="IpMasq">Null if the file does not say it.</param>
internal sealed record PublishedSubnet(Ipv4Network Network, Ipv4Network Subnet, int? Mtu, bool? IpMasq)
{
    /// <summary>The first address of the subnet, which the bridge has.</summary>
    public Ipv4Address Gateway => new(Subnet.Address.Value + 1);

    /// <summary>Such as <c>10.24.5.1/24</c>: the value of FLANNEL_SUBNET.</summary>
    public string BridgeAddress => $"{Gateway}/{Subnet.Length}";

    /// <summary>Null without a file that names a subnet.</summary>
    public static PublishedSubnet? Read(HostFiles files, string subnetFile)
    {
        if (new SubnetFile(files.PathOf(subnetFile)).Read() is not SubnetFileState.Present file) return null;
        if (file.ReadNetwork() is not { } network || file.ReadSubnet() is not { } subnet) return null;
        return new PublishedSubnet(
            network, subnet, SubnetEnv.ReadPreviousMtu(file.Content), SubnetEnv.ReadPreviousIpMasq(file.Content));
    }
}
