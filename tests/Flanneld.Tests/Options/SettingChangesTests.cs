using Flanneld.Options;
using Flanneld.Options.Installed;

namespace Flanneld.Tests.Options;

public sealed class SettingChangesTests
{
    private const string File = "/etc/default/flanneld";

    private static readonly Dictionary<string, string> Environment = new()
    {
        ["FLANNELD_ETCD_ENDPOINTS"] = "http://192.168.1.11:2379",
        ["FLANNELD_MTU"] = "1400",
        ["FLANNELD_OPTIONS"] = "--iface=eth0 --iface=eth1",
        ["PATH"] = "/usr/bin",
    };

    private static readonly string[] Arguments = ["--iface=eth0", "--iface=eth1"];

    [Fact]
    public void The_same_settings_are_no_change()
    {
        var changes = Find(Settings(
            ["--iface=eth0", "--iface", "eth1"], ("FLANNELD_ETCD_ENDPOINTS", "http://192.168.1.11:2379 "), ("FLANNELD_MTU", "1400")));
        Assert.Empty(changes.NeedRestart);
        Assert.Empty(changes.Problems);
        Assert.Equal(0, changes.Verbosity.Value);
    }

    [Fact]
    public void Each_changed_setting_is_named_with_its_place_and_without_its_value()
    {
        var changes = Find(Settings(
            ["--iface=eth0"], ("FLANNELD_ETCD_ENDPOINTS", "http://user:s3cret@192.168.1.12:2379"), ("FLANNELD_IP_MASQ", "true")));
        Assert.Equal(
            [
                "FLANNELD_ETCD_ENDPOINTS changed in /etc/default/flanneld", "--iface changed in /etc/default/flanneld",
                "FLANNELD_MTU is no longer set for the service", "FLANNELD_IP_MASQ changed in /etc/default/flanneld",
            ], changes.NeedRestart);
        Assert.DoesNotContain(changes.Problems, problem => problem.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public void A_value_that_the_next_start_would_reject_is_a_problem()
    {
        var changes = Find(Settings(Arguments, ("FLANNELD_ETCD_ENDPOINTS", "http://192.168.1.11:2379"), ("FLANNELD_MTU", "9")));
        Assert.Contains("FLANNELD_MTU in /etc/default/flanneld: ", Assert.Single(changes.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4", 4)]
    [InlineData("", 0)]
    public void The_log_level_is_read_from_the_variable(string value, int expected) =>
        Assert.Equal(expected, Find(Settings(Arguments, ("FLANNELD_V", value))).Verbosity.Value);

    [Fact]
    public void The_log_level_of_the_options_has_precedence() =>
        Assert.Equal(2, Find(Settings(["-v=2"], ("FLANNELD_V", "4"))).Verbosity.Value);

    [Fact]
    public void An_invalid_log_level_is_an_error_that_names_the_place() => Assert.Contains(
        "FLANNELD_V in /etc/default/flanneld: ", Find(Settings(Arguments, ("FLANNELD_V", "loud"))).Verbosity.Error,
        StringComparison.Ordinal);

    [Fact]
    public void Without_systemd_an_absent_variable_may_come_from_a_drop_in()
    {
        var changes = Find(Settings([], ("FLANNELD_V", "1")) with { IsFromUnit = false });
        Assert.Empty(changes.NeedRestart);
        Assert.Equal(1, changes.Verbosity.Value);
    }

    [Fact]
    public void A_command_line_that_cannot_be_read_is_an_error() => Assert.Contains(
        "/etc/default/flanneld: unknown flag --unknown", SettingChanges.Find(new StartSettings([], Environment), Settings(["--unknown=x"])).Error,
        StringComparison.Ordinal);

    private static SettingChanges Find(InstalledSettings now) => SettingChanges.Find(new StartSettings(Arguments, Environment), now).Value;

    private static InstalledSettings Settings(string[] arguments, params (string Name, string Value)[] variables) =>
        new(variables.ToDictionary(variable => variable.Name, variable => new InstalledVariable(variable.Value, File)), arguments)
        {
            ArgumentsSource = File,
            IsFromUnit = true,
        };
}
