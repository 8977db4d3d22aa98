using System.Diagnostics;
using System.Text;
using CsCheck;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flannel.Core.Tests.Leases;

public sealed class SubnetEnvTests
{
    private const string Golden = "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n";

    private static readonly SubnetEnv Example = new(Ipv4Network.Parse("10.24.0.0/16"),
        Ipv4Network.Parse("10.24.5.0/24"), 1500, IpMasq: false);

    [Fact]
    public void The_content_is_the_four_lines_of_upstream()
    {
        Assert.Equal(Golden, Encoding.ASCII.GetString(Example.ToBytes()));
        var last = new SubnetEnv(Ipv4Network.Parse("255.255.0.0/16"), Ipv4Network.Parse("255.255.255.252/30"), 8500, IpMasq: true);
        Assert.Equal(
            "FLANNEL_NETWORK=255.255.0.0/16\nFLANNEL_SUBNET=255.255.255.253/30\nFLANNEL_MTU=8500\nFLANNEL_IPMASQ=true\n",
            Encoding.ASCII.GetString(last.ToBytes()));
    }

    [Fact]
    public void A_dual_stack_node_has_the_six_lines_of_upstream()
    {
        var dual = Example with { Ipv6 = new Ipv6SubnetEnv(Ipv6Network.Parse("fc00::/48"), Ipv6Network.Parse("fc00:0:0:5::/64")) };
        var text = Encoding.ASCII.GetString(dual.ToBytes());
        Assert.Equal(
            "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\n"
            + "FLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n",
            text);
        Assert.Equal(dual.Ipv6.Subnet, SubnetEnv.ReadPreviousIpv6Subnet(dual.ToBytes()));
        Assert.Equal(dual.Subnet, SubnetEnv.ReadPreviousSubnet(dual.ToBytes()));
    }

    [Theory]
    [InlineData("FLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\n", "fc00:0:0:5::/64")]
    [InlineData("FLANNEL_IPV6_SUBNET='fc00:0:0:5::1/64'\n", "fc00:0:0:5::/64")]
    [InlineData("FLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64", null)]
    [InlineData("FLANNEL_IPV6_SUBNET=10.24.5.1/24\n", null)]
    [InlineData("FLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\nFLANNEL_IPV6_SUBNET=\n", null)]
    [InlineData(Golden, null)]
    public void The_previous_IPv6_subnet_is_read_or_ignored(string text, string? subnet) =>
        Assert.Equal(subnet, SubnetEnv.ReadPreviousIpv6Subnet(Encoding.UTF8.GetBytes(text))?.ToString());

    [Theory]
    [InlineData(Golden, "10.24.0.0/16")]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/24\n", null)]
    [InlineData("FLANNEL_NETWORK=10.24.0.0/1", null)]
    public void The_network_of_an_earlier_file_is_read(string text, string? expected) =>
        Assert.Equal(expected, SubnetEnv.ReadPreviousNetwork(Encoding.UTF8.GetBytes(text))?.ToString());

    [Theory]
    [InlineData(Golden, "10.24.5.0/24")]
    [InlineData("FLANNEL_NETWORK=10.24.0.0/16\r\nFLANNEL_SUBNET=10.24.5.1/24\r\nFLANNEL_MTU=1500\r\n", "10.24.5.0/24")]
    [InlineData("FLANNEL_SUBNET=\"10.24.5.1/24\"\n", "10.24.5.0/24")]
    [InlineData("FLANNEL_SUBNET='10.24.5.1/24'\n", "10.24.5.0/24")]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/24 \t\n", "10.24.5.0/24")]
    [InlineData("# made by hand\n\nFLANNEL_SUBNET=10.24.5.0/24\n", "10.24.5.0/24")]
    // As upstream's dual-stack node writes it.
    [InlineData(
        "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET=fc00:0:0:5::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
        "10.24.5.0/24")]
    // The last line counts, as in a shell.
    [InlineData("FLANNEL_SUBNET=10.24.4.1/24\nFLANNEL_SUBNET=10.24.5.1/24\n", "10.24.5.0/24")]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_SUBNET=\n", null)]
    // Truncated: text after the last line feed is ignored.
    [InlineData("", null)]
    [InlineData("FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUB", null)]
    [InlineData("FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/2", null)]
    [InlineData("FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24", null)]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=15", "10.24.5.0/24")]
    // Of other programs.
    [InlineData("FLANNEL_SUBNET=10.24.1.1/24,10.24.2.1/24\n", null)]
    [InlineData("FLANNEL_SUBNET=not-a-cidr\n", null)]
    [InlineData("FLANNEL_SUBNET=fc00::1/64\n", null)]
    [InlineData("FLANNEL_SUBNET=10.24.5.1\n", null)]
    [InlineData("FLANNEL_SUBNET=010.24.5.1/24\n", null)]
    [InlineData("FLANNEL_SUBNET=10.24.5.1/24 # comment\n", null)]
    [InlineData("flannel_subnet=10.24.5.1/24\n", null)]
    [InlineData("# FLANNEL_SUBNET=10.24.5.1/24\n", null)]
    [InlineData("MY_FLANNEL_SUBNET=10.24.5.1/24\n", null)]
    [InlineData("FLANNEL_SUBNETS=10.24.5.1/24\n", null)]
    [InlineData("[Service]\nExecStart=/usr/bin/dockerd\n", null)]
    [InlineData("\0\0\0\0\0\0\0\0\n", null)]
    public void The_previous_subnet_is_read_or_ignored(string text, string? subnet) =>
        Assert.Equal(subnet, SubnetEnv.ReadPreviousSubnet(Encoding.UTF8.GetBytes(text))?.ToString());

    [Fact]
    public void The_subnet_can_be_read_from_every_written_file_as_CNIs_plugin_does() =>
        Gen.Select(Gen.UInt, Gen.Int[1, 28], Gen.Int[2, 12], Gen.Int[576, 9000], Gen.Bool).Always(sample =>
        {
            var (address, length, split, mtu, masq) = sample;
            var network = new Ipv4Network(new Ipv4Address(address), length);
            var subnet = new Ipv4Network(new Ipv4Address(address), Math.Min(30, length + split));
            var bytes = new SubnetEnv(network, subnet, mtu, masq).ToBytes();
            Assert.Equal(subnet, SubnetEnv.ReadPreviousSubnet(bytes));
            Assert.Equal(new SubnetEnv(network, subnet, mtu, masq), ReadAsCni(Encoding.UTF8.GetString(bytes)));
        });

    [Fact]
    public void No_bytes_throw() =>
        Hostile.Bytes(Golden, "FLANNEL_SUBNET=", "10.24.5.1/24", "\n", "\r\n", "\"", "'", "=", ",", "\u2028", "\uFEFF")
        .Always(bytes =>
        {
            var subnet = SubnetEnv.ReadPreviousSubnet(bytes);
            if (subnet is not null) Assert.Contains("FLANNEL_SUBNET=", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        }, times: 40_000);

    [Fact]
    public async Task A_shell_that_sources_the_file_has_the_four_variables()
    {
        // mk-docker-opts.sh sources it so.
        Assert.SkipUnless(File.Exists("/bin/sh"), "there is no /bin/sh");
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, Example.ToBytes(), TestContext.Current.CancellationToken);
            var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
            const string script = """. "$1"; printf '%s|' "$FLANNEL_NETWORK" "$FLANNEL_SUBNET" "$FLANNEL_MTU" "$FLANNEL_IPMASQ" """;
            foreach (var argument in new[] { "-euc", script, "sh", path }) start.ArgumentList.Add(argument);
            using var shell = Process.Start(start)!;
            var output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(("10.24.0.0/16|10.24.5.1/24|1500|false|", 0), (output, shell.ExitCode));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The rules of CNI's flannel plugin: each line is split at the first '=', nothing is trimmed or unquoted, all four must
    /// be there.</summary>
    private static SubnetEnv ReadAsCni(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var values = text[..^1].Split('\n').Select(line => line.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
        Assert.Equal(["FLANNEL_NETWORK", "FLANNEL_SUBNET", "FLANNEL_MTU", "FLANNEL_IPMASQ"], values.Keys);
        Assert.True(Ipv4Network.TryParse(values["FLANNEL_NETWORK"], out var network));
        Assert.True(Ipv4Network.TryParse(values["FLANNEL_SUBNET"], '/', out var subnet, out var hostBits) && hostBits);
        Assert.True(uint.TryParse(values["FLANNEL_MTU"], out var mtu));
        return new SubnetEnv(network, subnet, (int)mtu, values["FLANNEL_IPMASQ"] == "true");
    }
}
