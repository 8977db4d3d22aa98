using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Tests.Leases;
using Flanneld.Backends;
using Flanneld.Node;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Node;

public sealed class ConfigChangesTests
{
    private const string Before = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    [Theory]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc"}}""",
        "(SubnetLen 24 -> 26, SubnetMin 10.24.1.0 -> 10.24.0.64, SubnetMax 10.24.255.0 -> 10.24.255.192): subnet 10.24.5.0/24 does not fit")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetMin":"10.24.8.0","Backend":{"Type":"ali-vpc"}}""",
        "(SubnetMin 10.24.1.0 -> 10.24.8.0): subnet 10.24.5.0/24 does not fit")]
    [InlineData("""{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc"}}""", "10.24.5.0/24 does not fit")]
    [InlineData("""{"Network":"10.24.0.0/15","Backend":{"Type":"ali-vpc"}}""", "when it restarts")]
    [InlineData(
        """{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""",
        "(Backend.Type \"ali-vpc\" -> \"alloc\"): this node keeps backend ali-vpc until it restarts")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"host-gw"}}""", "'host-gw': this build supports ali-vpc, alloc, vxlan")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"vxlan"}}""", "this node keeps backend ali-vpc until it restarts")]
    [InlineData("""{"Network":"10.24.0.0/16"}""", "Backend is missing")]
    [InlineData("""{"Network":"10.24.0.0"}""", "is invalid (Network")]
    [InlineData("not JSON", "is invalid")]
    [InlineData(null, "was deleted")]
    public void A_change_that_affects_a_restart_is_a_warning_of_one_line(string? now, string expected)
    {
        var (text, isWarning) = Describe(now);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.True(isWarning);
        Assert.DoesNotContain('\n', text);
    }

    [Theory]
    [InlineData(Before, "written again")]
    [InlineData("""{"Backend":{"Type":"ali-vpc"},"Network":"10.24.0.0/16","SubnetLen":24}""", "written again")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetMax":"10.24.99.0","Backend":{"Type":"ali-vpc"}}""",
        "(SubnetMax 10.24.255.0 -> 10.24.99.0): this node reads it when it restarts")]
    [InlineData(
        """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-1"}}""",
        "(Backend.RouteTableID none -> \"vtb-1\"): this node reads it when it restarts")]
    [InlineData("""{"Network":"10.24.0.0/16","EnableNFTables":true,"Backend":{"Type":"ali-vpc"}}""", "(EnableNFTables none -> True)")]
    [InlineData(
        """{"Network":"10.24.0.0/16","Backend":{"type":"ali-vpc","AccessKeyID":"LTAI-id","AccessKeySecret":"s3"}}""",
        "(Backend.AccessKeyID added, Backend.AccessKeySecret added): it is used now")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RoleArn":"acs:ram::1:role/r"}}""", "(Backend.RoleArn added)")]
    public void A_change_without_effect_on_the_node_is_no_warning(string now, string expected)
    {
        var (text, isWarning) = Describe(now);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.False(isWarning);
    }

    [Fact]
    public void An_access_key_in_the_configuration_is_in_no_line()
    {
        var (text, _) = Describe(
            """{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI-id","AccessKeySecret":"s3cret"}}""");
        Assert.DoesNotContain("LTAI", text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_replaced_access_key_in_the_configuration_is_used_at_once()
    {
        List<string?> keys = [];
        var changes = new ConfigChanges(Leased(WithKey("LTAI-first", "one")), NullLogger.Instance, key => keys.Add(key?.Id));
        changes.Report(State(WithKey("LTAI-first", "one")));
        Assert.Empty(keys);
        changes.Report(State(WithKey("LTAI-second", "one")));
        changes.Report(State("not JSON"));
        changes.Report(State("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}"""));
        changes.Report(State(null));
        Assert.Equal(["LTAI-second"], keys);
        changes.Report(State(WithKey("LTAI-second", "two")));
        changes.Report(State(Before));
        changes.Report(State(Before));
        Assert.Equal(["LTAI-second", "LTAI-second", null], keys);
    }

    private static string WithKey(string id, string secret) =>
        $$$"""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"{{{id}}}","AccessKeySecret":"{{{secret}}}"}}""";

    private static ConfigChange Describe(string? now) => new ConfigChanges(Leased(Before), NullLogger.Instance).Describe(State(now));

    private static LeasedSubnet Leased(string json)
    {
        var subnet = new SubnetKey(Ipv4Network.Parse("10.24.5.0/24"));
        var attributes = new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null);
        var lease = new Lease(subnet, attributes, new TestLeaseIdentity(10, 7), 10);
        var config = NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json)).Value;
        return new LeasedSubnet(new HeldLease(lease, config, 5, false, null), BackendFactory.Create(config).Value, null);
    }

    private static ConfigState State(string? now)
    {
        if (now is null) return new ConfigState.Missing();
        var parsed = NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(now));
        return parsed.Ok ? new ConfigState.Present(parsed.Value, 9) : new ConfigState.Invalid(parsed.Error, 9);
    }
}
