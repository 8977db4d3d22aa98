using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flanneld.Host;
using Flanneld.Node;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Node;

public sealed class EarlierSubnetFileTests : IDisposable
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private static readonly LeaseOwner Owner = new(Ipv4Address.Parse("192.168.1.11"), Subnet)
    {
        Instance = new LeaseInstance("i-1", "vpc-1"),
    };

    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly EarlierSubnetFile earlierFile;

    public EarlierSubnetFileTests()
    {
        File.WriteAllText(SubnetPath, "FLANNEL_SUBNET=10.24.5.1/24\n");
        earlierFile = new EarlierSubnetFile(new SubnetFile(SubnetPath), NullLogger.Instance);
    }

    private string SubnetPath => Path.Combine(directory, "subnet.env");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("10.24.5.0-24", "192.168.1.11", null, true, "it names no instance")]
    [InlineData("10.24.5.0-24", "192.168.1.11", "i-1", true, "it is this instance's")]
    [InlineData("10.24.5.0-24", "192.168.1.99", "i-1", true, "the instance has another address now")]
    [InlineData("10.24.5.0-24", "192.168.1.11", "i-2", false, "another instance uses the address")]
    [InlineData("10.24.5.0-24", "192.168.1.12", null, false, "another node has it")]
    [InlineData("10.24.5.128-25", "192.168.1.12", null, false, "another node has a part of it")]
    [InlineData("10.24.6.0-24", "192.168.1.11", null, false, "this node has another")]
    [InlineData(null, "", null, false, "no node has it")]
    public void The_file_stays_only_if_etcd_has_a_lease_of_this_node_for_it(
        string? key, string address, string? instance, bool stays, string why)
    {
        earlierFile.Check(State(key, address, instance), Owner);
        Assert.True(File.Exists(SubnetPath) == stays, why);
    }

    [Theory]
    [InlineData("192.168.1.11", "i-2", true)]
    [InlineData("192.168.1.99", "i-1", true)]
    [InlineData("192.168.1.99", null, false)]
    public void Until_the_instance_is_known_a_lease_that_names_one_may_be_this_nodes(string address, string? instance, bool stays)
    {
        earlierFile.Check(State("10.24.5.0-24", address, instance), Owner with { Instance = null });
        Assert.Equal(stays, File.Exists(SubnetPath));
    }

    [Theory]
    [InlineData("10.24.5.0-24&fc00:0:0:5::-64", true)]
    [InlineData("10.24.5.0-24&fc00:0:0:6::-64", false)]
    [InlineData("10.24.5.0-24", false)]
    public void A_file_that_names_an_IPv6_subnet_stays_only_if_the_lease_has_it(string key, bool stays)
    {
        File.WriteAllText(SubnetPath, "FLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\n");
        earlierFile.Check(State(key, "192.168.1.11", null), Owner);
        Assert.Equal(stays, File.Exists(SubnetPath));
    }

    [Fact]
    public void A_file_that_names_no_subnet_is_removed()
    {
        File.WriteAllText(SubnetPath, "invalid");
        earlierFile.Check(State("10.24.5.0-24", "192.168.1.11", null), Owner);
        Assert.False(File.Exists(SubnetPath));
    }

    [Fact]
    public void Etcd_is_read_again_only_while_there_is_a_file()
    {
        Assert.InRange(earlierFile.RecheckInterval, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        earlierFile.Remove("gone");
        Assert.Equal(Timeout.InfiniteTimeSpan, earlierFile.RecheckInterval);
    }

    private static SubnetState State(string? key, string address, string? instance)
    {
        if (key is null) return new SubnetState(new ConfigState.Missing(), [], [], 9, IsComplete: true);
        Assert.True(SubnetKey.TryParse(key, out var subnet));
        var data = instance is null ? null : $$"""{"InstanceId":"{{instance}}"}""";
        var attributes = new LeaseAttributes(Ipv4Address.Parse(address), null, "ali-vpc", data, null);
        var lease = new Lease(subnet, attributes, new TestLeaseIdentity(5, 7), 5);
        return new SubnetState(new ConfigState.Missing(), [lease], [lease.Subnet], 9, IsComplete: true);
    }
}
