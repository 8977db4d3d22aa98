using Flannel.AliVpc.Metadata;
using Flannel.Core.Addresses;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One instance: what outlives the process that runs on it.</summary>
internal sealed class Machine(int number, string folder)
{
    public int Number { get; } = number;

    public string Name { get; } = $"n{number}";

    public string Instance { get; } = $"i-{number}";

    public string NetworkInterface { get; } = $"eni-{number}";

    public Ipv4Address PublicIp { get; set; } = Ipv4Address.Parse($"192.168.0.{number}");

    /// <summary>Whether <c>--route-controller</c> allows its daemon to be the route controller.</summary>
    public bool MayControl { get; init; } = true;

    /// <summary>Whether it has credentials for the cloud's API.</summary>
    public bool HasCredentials { get; init; } = true;

    public SubnetFile SubnetFile { get; } = new(Path.Combine(folder, $"n{number}", "subnet.env"));

    /// <summary>The subnet that <c>subnet.env</c> names now; null without the file.</summary>
    public Ipv4Network? SubnetInFile { get; private set; }

    /// <summary>The subnet that it must have again after a restart: nobody has touched its lease since it was published. Null when it may have
    /// another.</summary>
    public Ipv4Network? Kept { get; set; }

    public TimeSpan WallClockError { get; set; }

    public bool IsCutOff { get; set; }

    /// <summary>Null while it is down.</summary>
    public Daemon? Daemon { get; set; }

    public bool RestartPlanned { get; set; }

    /// <summary>As the metadata service answers.</summary>
    public InstanceIdentity Identity => new(
        "cn-hangzhou", "cn-hangzhou-h", Instance, SimulatedCloud.VpcId, SimulatedCloud.VSwitchId, $"00:16:3e:00:00:{Number:x2}", NetworkInterface, true,
        PublicIp, [PublicIp]);

    public void ReadFile() => SubnetInFile = SubnetFile.ReadPreviousSubnet();
}
