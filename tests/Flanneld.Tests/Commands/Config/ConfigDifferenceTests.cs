using System.Text;
using Flanneld.Commands.Config;

namespace Flanneld.Tests.Commands.Config;

public sealed class ConfigDifferenceTests
{
    private const string Before = """{"Network":"10.24.0.0/16","SubnetLen":24,"Backend":{"Type":"ali-vpc","AccessKeySecret":"hunter2"}}""";

    [Fact]
    public void Each_key_is_a_line_of_its_own()
    {
        var difference = Between(
            Before, """{"network":"10.24.0.0/16","SubnetLen":25,"Backend":{"Type":"ali-vpc","RouteTableID":["vtb-a", "vtb-b"]}}""");
        Assert.False(difference.IsSame);
        Assert.Equal(
            [
                "  Network: \"10.24.0.0/16\"", "- SubnetLen: 24", "+ SubnetLen: 25", "  Backend.Type: \"ali-vpc\"",
                "- Backend.AccessKeySecret: ***", "+ Backend.RouteTableID: [\"vtb-a\",\"vtb-b\"]",
            ],
            difference.Lines);
    }

    [Fact]
    public void A_changed_secret_is_a_difference_that_is_not_shown()
    {
        var difference = Between(Before, Before.Replace("hunter2", "hunter3", StringComparison.Ordinal));
        Assert.False(difference.IsSame);
        Assert.Equal(
            ["- Backend.AccessKeySecret: ***", "+ Backend.AccessKeySecret: *** (another value)"],
            difference.Lines.Where(line => line[0] != ' '));
        Assert.DoesNotContain(difference.Lines, line => line.Contains("hunter", StringComparison.Ordinal));
    }

    [Fact]
    public void The_form_of_the_text_is_no_difference()
    {
        var after = Before.Replace(",", " ,\n", StringComparison.Ordinal).Replace("SubnetLen", "SUBNETLEN", StringComparison.Ordinal);
        Assert.True(Between(Before, after).IsSame);
    }

    [Fact]
    public void A_new_configuration_only_adds() => Assert.All(Between(null, Before).Lines, line => Assert.StartsWith("+ ", line));

    [Theory]
    [InlineData("{\"AccessKeySecret\":\"hunter2\"")]
    [InlineData("hunter2")]
    [InlineData("{\"x\":\"\\ud800hunter2\"}")]
    public void A_present_value_that_is_not_JSON_is_not_shown(string before)
    {
        var difference = Between(before, Before);
        Assert.False(difference.IsSame);
        Assert.Equal("- (not valid JSON, and not shown: it may contain a secret)", difference.Lines[0]);
        Assert.DoesNotContain(difference.Lines, line => line.Contains("hunter2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"AccessKeySecret":{"a":"hunter2"}}""")]
    [InlineData("""{"Backend":{"List":[{"accessKEYsecret":"hunter2"}]}}""")]
    [InlineData("""{"Proxy":"http://u:hunter2@10.0.0.1:3128"}""")]
    [InlineData("""{"Backend":{"AccesKeySecret":"hunter2"}}""")]
    public void A_secret_in_an_unusual_place_is_not_shown(string before) =>
        Assert.DoesNotContain(Between(before, Before).Lines, line => line.Contains("hunter2", StringComparison.Ordinal));

    [Fact]
    public void Escape_sequences_in_a_name_or_value_are_not_printed() => Assert.Equal(
        "+ ?]0;a?b: \"?\"",
        Between(Before, Before.Replace("{\"Network", "{\"\\u001b]0;a\\u0007b\":\"\u202e\",\"Network", StringComparison.Ordinal))
            .Lines.Single(line => line[0] == '+'));

    [Fact]
    public void Of_two_equal_names_the_last_one_counts_as_a_whole()
    {
        var difference = Between(
            """{"Backend":{"Type":"ali-vpc","RegionId":"cn-hangzhou"},"backend":{"Type":"ali-vpc"}}""",
            """{"Backend":{"Type":"ali-vpc","RegionId":"cn-hangzhou"}}""");
        Assert.False(difference.IsSame);
        Assert.Equal("+ Backend.RegionId: \"cn-hangzhou\"", Assert.Single(difference.Lines, line => line[0] != ' '));
    }

    private static ConfigDifference Between(string? before, string after)
    {
        ReadOnlyMemory<byte>? present = null;
        if (before is not null) present = Encoding.UTF8.GetBytes(before);
        return ConfigDifference.Between(present, Encoding.UTF8.GetBytes(after));
    }
}
