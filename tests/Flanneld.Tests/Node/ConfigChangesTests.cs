using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Node;

public sealed class ConfigChangesTests
{
    private const string Before = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    [Theory]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc"}}""", "10.24.5.0/24 does not fit")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMin":"10.24.8.0","Backend":{"Type":"ali-vpc"}}""", "10.24.5.0/24 does not fit")]
    [InlineData("""{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc"}}""", "10.24.5.0/24 does not fit")]
    [InlineData("""{"Network":"10.24.0.0/15","Backend":{"Type":"ali-vpc"}}""", "when it is restarted")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""", "backend alloc")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"vxlan"}}""", "'vxlan', and this build has ali-vpc, alloc")]
    [InlineData("""{"Network":"10.24.0.0/16"}""", "Backend is missing")]
    [InlineData("""{"Network":"10.24.0.0"}""", "is refused now (Network")]
    [InlineData("garbage", "is refused now")]
    [InlineData(null, "was deleted")]
    public void What_a_restart_would_not_survive_unchanged_is_a_warning_of_one_line(string? now, string said)
    {
        var (text, needsCare) = Describe(now);
        Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.True(needsCare);
        Assert.DoesNotContain('\n', text);
    }

    [Theory]
    [InlineData(Before, "written again")]
    [InlineData("""{"Backend":{"Type":"ali-vpc"},"Network":"10.24.0.0/16","SubnetLen":24}""", "written again")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetMax":"10.24.99.0","Backend":{"Type":"ali-vpc"}}""", "a restart takes it")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-1"}}""", "a restart takes it")]
    public void What_changes_nothing_for_the_node_is_no_warning(string now, string said)
    {
        var (text, needsCare) = Describe(now);
        Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.False(needsCare);
    }

    [Fact]
    public void An_access_key_in_the_configuration_is_in_no_line()
    {
        var (text, _) = Describe("""{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI-id","AccessKeySecret":"s3cret"}}""");
        Assert.DoesNotContain("LTAI", text, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_was_replaced_in_the_configuration_is_used_from_then_on()
    {
        List<string?> keys = [];
        var changes = new ConfigChanges(Held(WithKey("LTAI-first", "one")), NullLogger.Instance, key => keys.Add(key?.Id));
        changes.Tell(State(WithKey("LTAI-first", "one")));
        Assert.Empty(keys);
        changes.Tell(State(WithKey("LTAI-second", "one")));
        changes.Tell(State("garbage"));
        changes.Tell(State("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}"""));
        changes.Tell(State(null));
        Assert.Equal(["LTAI-second"], keys);
        changes.Tell(State(WithKey("LTAI-second", "two")));
        changes.Tell(State(Before));
        changes.Tell(State(Before));
        Assert.Equal(["LTAI-second", "LTAI-second", null], keys);
    }

    private static string WithKey(string id, string secret) =>
        $$$"""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"{{{id}}}","AccessKeySecret":"{{{secret}}}"}}""";

    private static (string Text, bool NeedsCare) Describe(string? now) => new ConfigChanges(Held(Before), NullLogger.Instance).Describe(State(now));

    private static HeldLease Held(string config)
    {
        var subnet = new SubnetKey(Ipv4Network.Parse("10.24.5.0/24"));
        var lease = new Lease(subnet, new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null), 7, 10, 10);
        return new HeldLease(lease, NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(config)).Config!, 5, false, null);
    }

    private static ConfigState State(string? now)
    {
        if (now is null) return new ConfigState.Missing();
        var parsed = NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(now));
        return parsed.Config is { } config ? new ConfigState.Present(config, 9) : new ConfigState.Refused(parsed.Error, 9);
    }
}
