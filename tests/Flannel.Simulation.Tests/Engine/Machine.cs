using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Host;
using Flanneld.Node;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One instance: the state that survives the process on it.</summary>
internal sealed class Machine
{
    private readonly string path;

    public Machine(int number, Ipv4Address publicIp, string folder)
    {
        (Number, PublicIp) = (number, publicIp);
        Name = $"n{number}";
        Instance = $"i-{number}";
        NetworkInterface = $"eni-{number}";
        path = Path.Combine(folder, Name, "subnet.env");
        SubnetFile = new SubnetFile(path);
        LastSubnet = new LastSubnetFile(path, Path.Combine(folder, Name, "state"));
    }

    public int Number { get; }

    public string Name { get; }

    public string Instance { get; }

    public string NetworkInterface { get; }

    public Ipv4Address PublicIp { get; set; }

    /// <summary>Of a dual-stack cluster.</summary>
    public IpAddress Ipv6Address => IpAddress.V6(((UInt128)0xfd00 << 112) + PublicIp.Value);

    /// <summary>Whether <c>--public-ip</c> sets the address; another instance may then have the same.</summary>
    public bool IsAddressByHand { get; init; }

    /// <summary>Whether <c>--route-controller</c> allows its daemon to be the route controller.</summary>
    public bool MayControl { get; init; } = true;

    /// <summary>Whether it has credentials for the API.</summary>
    public bool HasCredentials { get; init; } = true;

    /// <summary>The released instance whose address this instance has; null without one.</summary>
    public Machine? Replaces { get; init; }

    public SubnetFile SubnetFile { get; }

    public LastSubnetFile LastSubnet { get; }

    /// <summary>The subnet in <c>subnet.env</c>; null without the file.</summary>
    public Ipv4Network? SubnetInFile { get; private set; }

    /// <summary>The subnet that the machine must get after a restart unless another node leases it. Null if any subnet is
    /// allowed.</summary>
    public Ipv4Network? ExpectedSubnet { get; set; }

    /// <summary>Since when <c>subnet.env</c> names a subnet that the machine does not hold and that its process has not
    /// published.</summary>
    public TimeSpan? StaleFileSince { get; set; }

    /// <summary>Since when the machine may use the subnet in its file by the state of etcd, without interruption; null if it may
    /// not.</summary>
    public TimeSpan? UsableSince { get; set; }

    /// <summary>When another program last changed <c>subnet.env</c>.</summary>
    public TimeSpan FileChangedAt { get; set; }

    public TimeSpan WallClockError { get; set; }

    public bool IsIsolated { get; set; }

    /// <summary>Null while it is down.</summary>
    public SimulatedProcess? Process { get; set; }

    /// <summary>The process of a cluster whose subnet manager is etcd.</summary>
    public Daemon? Daemon
    {
        get => (Daemon?)Process;
        set => Process = value;
    }

    public bool RestartPlanned { get; set; }

    /// <summary>The identity in the metadata service.</summary>
    public InstanceIdentity Identity
    {
        get
        {
            var own = IsAddressByHand ? Ipv4Address.Parse($"192.168.1.{Number}") : PublicIp;
            return new InstanceIdentity(
                "cn-hangzhou", "cn-hangzhou-h", Instance, SimulatedCloud.VpcId, SimulatedCloud.VSwitchId, $"00:16:3e:00:00:{Number:x2}",
                NetworkInterface, true, [own]);
        }
    }

    public void ReadFile() => SubnetInFile = (SubnetFile.Read() as SubnetFileState.Present)?.ReadSubnet();

    /// <summary>Another program writes over the file.</summary>
    public void OverwriteFile()
    {
        if (File.Exists(path)) File.WriteAllText(path, "FLANNEL_MTU=1\n");
    }
}

/// <summary>A metadata service with a response delay.</summary>
internal sealed class SimulatedIdentity(Machine machine, Func<Task> delay) : INodeIdentity
{
    public InstanceIdentity? Current { get; private set; }

    public async Task<Result<InstanceIdentity>> ReadAsync()
    {
        await delay();
        return Current = machine.Identity;
    }
}
