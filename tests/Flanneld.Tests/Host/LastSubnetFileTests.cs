using Flannel.Core.Addresses;
using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class LastSubnetFileTests : IDisposable
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    private string SubnetPath => Path.Combine(directory, "run", "subnet.env");

    private string State => Path.Combine(directory, "state");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData(null, "run")]
    [InlineData("", "run")]
    [InlineData("{state}", "state")]
    [InlineData("{state}:/another", "state")]
    public void It_is_next_to_the_subnet_file_or_in_systemds_state_directory(string? stateDirectory, string folder)
    {
        var given = stateDirectory?.Replace("{state}", State, StringComparison.Ordinal);
        Assert.Null(new LastSubnetFile(SubnetPath, given).Write(Subnet).Error);
        Assert.Equal("FLANNEL_SUBNET=10.24.5.1/24\n", File.ReadAllText(Path.Combine(directory, folder, "subnet.env.last")));
        Assert.Equal(Subnet, new LastSubnetFile(SubnetPath, given).Read());
    }

    [Fact]
    public void It_is_written_only_when_it_changes_and_can_be_removed()
    {
        var last = new LastSubnetFile(SubnetPath, null);
        Assert.Null(last.Read());
        Assert.Null(last.Write(Subnet).Error);
        var written = File.GetLastWriteTimeUtc(SubnetPath + ".last");
        File.SetLastWriteTimeUtc(SubnetPath + ".last", written.AddHours(-1));
        Assert.Null(last.Write(Subnet).Error);
        Assert.Equal(written.AddHours(-1), File.GetLastWriteTimeUtc(SubnetPath + ".last"));
        Assert.Null(last.Remove().Error);
        Assert.Null(last.Remove().Error);
        Assert.Null(last.Read());
    }

    [Fact]
    public void It_names_the_last_IPv6_subnet_also_while_IPv6_is_disabled()
    {
        var ipv6 = Ipv6Network.Parse("fc00:0:0:5::/64");
        var last = new LastSubnetFile(SubnetPath, null);
        Assert.Null(last.Write(Subnet, ipv6).Error);
        Assert.Equal("FLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\n", File.ReadAllText(SubnetPath + ".last"));
        Assert.Null(last.Write(Ipv4Network.Parse("10.24.6.0/24")).Error);
        Assert.Equal(("10.24.6.0/24", ipv6), (last.Read().ToString(), last.ReadIpv6()));
    }

    [Theory]
    [InlineData("invalid\n")]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/2")]
    [InlineData("")]
    public void A_damaged_file_names_no_subnet(string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(SubnetPath)!);
        File.WriteAllText(SubnetPath + ".last", content);
        Assert.Null(new LastSubnetFile(SubnetPath, null).Read());
    }
}
