using Flanneld.Commands.Status;
using Flanneld.Options.Installed;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Commands.Status;

public sealed class RunningSettingsTests : IDisposable
{
    private const int Process = 7;
    private const string Endpoints = "http://192.168.1.11:2379";
    private const string Service = $"INVOCATION_ID=1\0PATH=/usr/bin\0FLANNELD_ETCD_ENDPOINTS={Endpoints}\0";

    private readonly FakeHost host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void The_same_settings_are_no_change()
    {
        WithDaemon(Service);
        Assert.Empty(Find(Settings(Endpoints))!);
    }

    [Fact]
    public void A_changed_setting_is_named_without_its_value()
    {
        WithDaemon(Service);
        Assert.Equal(
            ["FLANNELD_ETCD_ENDPOINTS changed in /etc/default/flanneld"], Find(Settings("http://user:s3cret@192.168.1.12:2379"))!);
    }

    [Fact]
    public void A_flag_of_the_process_counts_with_its_empty_words()
    {
        WithDaemon(Service, "/usr/sbin/flanneld", "--public-ip", "", "--mtu=1400");
        Assert.Empty(Find(Settings(Endpoints) with { IsFromUnit = true, Arguments = ["--public-ip", "", "--mtu=1400"] })!);
        Assert.Equal(
            ["--public-ip is no longer set for the service", "--mtu is no longer set for the service"],
            Find(Settings(Endpoints) with { IsFromUnit = true })!);
    }

    [Fact]
    public void A_process_that_systemd_has_not_started_has_no_service()
    {
        WithDaemon(Service.Replace("INVOCATION_ID=1", "A=1", StringComparison.Ordinal));
        Assert.Null(Find(Settings("http://192.168.1.12:2379")));
    }

    [Theory]
    [InlineData("0::/system.slice/flanneld-b.service\n", false)]
    [InlineData("0::/system.slice/flanneld.service\n", true)]
    [InlineData("12:cpu:/\n1:name=systemd:/machine.slice/vm.service/payload/system.slice/flanneld.service\n", true)]
    [InlineData("0::/\n", true)]
    public void A_daemon_of_another_service_has_other_settings(string group, bool isKnown)
    {
        WithDaemon(Service);
        host.With($"/proc/{Process}/cgroup", group);
        Assert.Equal(isKnown, Find(Settings("http://192.168.1.12:2379")) is not null);
    }

    [Fact]
    public void Without_the_permission_to_read_the_environment_or_a_file_nothing_is_known()
    {
        host.With($"/proc/{Process}/cmdline", "/usr/sbin/flanneld\0");
        Assert.Null(Find(Settings("http://192.168.1.12:2379")));
        WithDaemon(Service);
        Assert.Null(Find(Settings("http://192.168.1.12:2379") with { Problems = ["/etc/default/flanneld may not be read by this user"] }));
    }

    private void WithDaemon(string environment, params string[] words)
    {
        host.With($"/proc/{Process}/cmdline", string.Concat((words is [] ? ["/usr/sbin/flanneld"] : words).Select(word => word + "\0")));
        host.With($"/proc/{Process}/environ", environment);
    }

    private IReadOnlyList<string>? Find(InstalledSettings now) => RunningSettings.FindChanges(Process, now, host.Files);

    private static InstalledSettings Settings(string endpoints) => new(
        new Dictionary<string, InstalledVariable> { ["FLANNELD_ETCD_ENDPOINTS"] = new(endpoints, "/etc/default/flanneld") }, []);
}
