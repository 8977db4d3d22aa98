using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flanneld.Host;

/// <summary>Remembers the last subnet of this node. Unlike <c>subnet.env</c>, the file survives the loss of the lease: a node whose lease
/// was deleted, or that was off for longer than a lease lives, gets the same subnet again if it is free.</summary>
internal sealed class LastSubnetFile
{
    private const string Suffix = ".last";

    private readonly string path;
    private readonly SubnetFile file;

    /// <param name="stateDirectory">systemd's <c>$STATE_DIRECTORY</c> (systemd.exec(5)), which survives a reboot of the host. Null for the
    /// subnet file's own folder.</param>
    public LastSubnetFile(string subnetFile, string? stateDirectory)
    {
        // systemd separates several directories by colons.
        var directory = stateDirectory?.Split(':')[0] is { Length: > 0 } given ? given : Path.GetDirectoryName(subnetFile) ?? "";
        path = Path.Combine(directory, Path.GetFileName(subnetFile) + Suffix);
        file = new SubnetFile(path);
    }

    /// <summary>Null without one.</summary>
    public Ipv4Network? Read() => (file.Read() as SubnetFileState.Present)?.ReadSubnet();

    /// <summary>The IPv6 subnet; null without one.</summary>
    public Ipv6Network? ReadIpv6() => (file.Read() as SubnetFileState.Present)?.ReadIpv6Subnet();

    /// <param name="ipv6Subnet">Null without one; the one that the file names stays.</param>
    public Result<Unit> Write(Ipv4Network subnet, Ipv6Network? ipv6Subnet = null)
    {
        var formerIpv6 = ReadIpv6();
        var remembered = ipv6Subnet ?? formerIpv6;
        if (Read() == subnet && formerIpv6 == remembered) return Unit.Instance;
        var ipv6Line = remembered is { } known ? SubnetEnv.SubnetLine(known) : "";
        return AtomicFile.Write(path, Encoding.ASCII.GetBytes(SubnetEnv.SubnetLine(subnet) + ipv6Line));
    }

    /// <summary>Succeeds if there is none.</summary>
    public Result<Unit> Remove() => file.Remove();
}
