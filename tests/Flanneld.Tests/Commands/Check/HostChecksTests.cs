using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flanneld.Backends;
using Flanneld.Commands.Check;
using Flanneld.Commands.Check.Facts;
using Flanneld.Host.Interfaces;
using Flanneld.Options;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Commands.Check;

/// <summary>The checks that read files of the host.</summary>
public sealed class HostChecksTests : IDisposable
{
    private const string SubnetFile = "/run/flannel/subnet.env";
    private static readonly Ipv4Address Address = Ipv4Address.Parse("192.168.1.5");

    private readonly FakeHost host = new();
    private readonly CheckSection section = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void The_daemon_that_holds_the_lock_and_commands_are_no_other_daemons()
    {
        host.With($"{SubnetFile}.lock", "flanneld 1.0.0, process 7\n").WithProcess(7, "flanneld", "/usr/sbin/flanneld")
            .WithProcess(9, "flanneld", "/usr/sbin/flanneld", "status");
        CheckDaemons();
        AssertOnly(CheckKind.OtherDaemons, CheckState.Ok, "only process 7");
    }

    [Fact]
    public void A_kube_flannel_beside_this_daemon_is_a_warning()
    {
        host.With($"{SubnetFile}.lock", "flanneld 1.0.0, process 7\n").WithProcess(7, "flanneld", "/usr/sbin/flanneld")
            .WithProcess(8, "flanneld", "/opt/bin/flanneld", "--ip-masq", "--kube-subnet-mgr");
        CheckDaemons();
        AssertOnly(
            CheckKind.OtherDaemons, CheckState.Warning,
            "another flannel runs: process 8, /opt/bin/flanneld, subnet file /run/flannel/subnet.env (kube-flannel)");
    }

    [Fact]
    public void A_second_daemon_of_this_program_is_known_by_its_lock()
    {
        host.With($"{SubnetFile}.lock", "flanneld 1.0.0, process 7\n").With("/run/other.env.lock", "flanneld 1.0.0, process 8\n")
            .WithProcess(7, "flanneld", "/usr/sbin/flanneld")
            .WithProcess(8, "flanneld", "/usr/sbin/flanneld", "-subnet-file", "/run/other.env");
        CheckDaemons();
        AssertOnly(
            CheckKind.OtherDaemons, CheckState.Warning,
            "another daemon of this program runs: process 8, /usr/sbin/flanneld, subnet file /run/other.env");
    }

    [Fact]
    public void A_daemon_in_another_network_namespace_does_not_count()
    {
        host.WithProcess(8, "flanneld", "/opt/bin/flanneld").With("/proc/8/net/fib_trie", "10.0.0.1")
            .With("/proc/self/net/fib_trie", "192.168.1.5");
        CheckDaemons();
        AssertOnly(CheckKind.OtherDaemons, CheckState.Ok, "no flanneld runs");
    }

    [Fact]
    public void A_second_subnet_file_with_another_subnet_is_a_warning()
    {
        host.WithSubnetFile("/var/lib/flannel/own.env").WithSubnetFile(SubnetFile, "10.25.7.1/24");
        new OtherDaemonsCheck(host.Files, new DaemonOptions { SubnetFile = "/var/lib/flannel/own.env" }, section).Run();
        AssertResult(
            CheckKind.OtherSubnetFiles, CheckState.Warning,
            "/run/flannel/subnet.env has 10.25.7.1/24, and /var/lib/flannel/own.env has 10.24.5.1/24");
    }

    [Fact]
    public void Tunnel_devices_of_another_daemon_are_a_warning()
    {
        HostInterface[] interfaces = [Interface("flannel.1", 1450), Interface("flannel.2", 1450), Interface("flannel-v6.1", 1430)];
        OtherDaemonsCheck.CheckDevices(interfaces, "flannel.1", section);
        AssertOnly(
            CheckKind.TunnelDevices, CheckState.Warning, "flannel.2 of another flannel daemon, or of an earlier configuration");
    }

    [Theory]
    [InlineData(1500, nameof(CheckState.Ok))]
    [InlineData(8500, nameof(CheckState.Ok))]
    [InlineData(9000, nameof(CheckState.Warning))]
    [InlineData(4000, nameof(CheckState.Note))]
    [InlineData(1400, nameof(CheckState.Note))]
    public void The_mtu_of_the_interface_is_compared_with_what_a_VPC_carries(int mtu, string state)
    {
        new MtuCheck(new DaemonOptions(), Selected(mtu), section).CheckInterface();
        Assert.Equal(state, Assert.Single(section.Results).State.ToString());
    }

    [Theory]
    [InlineData(1500, 1500, nameof(CheckState.Ok), "FLANNEL_MTU is 1500")]
    [InlineData(8500, 1500, nameof(CheckState.Warning), "FLANNEL_MTU is 8500, and eth0 with MTU 1500 gives 1500")]
    public void The_mtu_of_the_subnet_file_is_that_of_the_backend(int published, int mtu, string state, string detail)
    {
        host.WithSubnetFile(mtu: published);
        new MtuCheck(new DaemonOptions(), Selected(mtu), section)
            .CheckContainers(PublishedSubnet.Read(host.Files, SubnetFile), new AllocBackend(), []);
        AssertOnly(CheckKind.ContainerMtu, Enum.Parse<CheckState>(state), detail);
    }

    [Fact]
    public void A_bridge_with_a_larger_mtu_is_a_warning()
    {
        host.WithSubnetFile();
        new MtuCheck(new DaemonOptions(), Selected(1500), section).CheckContainers(
            PublishedSubnet.Read(host.Files, SubnetFile), new AllocBackend(), [Interface("cni0", 8500), Interface("docker0", 1500)]);
        Assert.Equal(
            ["FLANNEL_MTU is 1500", "cni0 has MTU 8500, and FLANNEL_MTU is 1500: larger packets of containers are lost"],
            section.Results.Select(result => result.Detail));
    }

    [Theory]
    [InlineData("/sys/module/nf_tables/version", "1", nameof(CheckState.Ok))]
    [InlineData("/lib/modules/6.1.0/modules.dep", "kernel/net/netfilter/nf_tables.ko: \n", nameof(CheckState.Ok))]
    [InlineData("/lib/modules/6.1.0/modules.builtin", "kernel/net/ipv4/netfilter/ip_tables.ko\n", nameof(CheckState.Ok))]
    [InlineData("/lib/modules/6.1.0/modules.dep", "kernel/net/ext4.ko: \n", nameof(CheckState.Problem))]
    [InlineData("/lib/modules/5.0.0/modules.dep", "kernel/net/netfilter/nf_tables.ko: \n", nameof(CheckState.Unknown))]
    public void Masquerading_needs_a_module(string path, string content, string state)
    {
        host.With("/proc/sys/kernel/osrelease", "6.1.0\n").With(path, content);
        new ModulesCheck(host.Files, new DaemonOptions { IpMasq = true }, section).Run();
        Assert.Equal(state, Assert.Single(section.Results).State.ToString());
    }

    [Fact]
    public void A_module_whose_file_has_dashes_is_found()
    {
        host.With("/proc/sys/kernel/osrelease", "6.1.0\n")
            .With("/lib/modules/6.1.0/modules.dep", "kernel/net/bridge/br-netfilter.ko.xz: \n");
        Assert.Equal(ModuleState.Loadable, new KernelModules(host.Files).Find("br_netfilter"));
    }

    [Theory]
    [InlineData("*filter\n:FORWARD DROP [0:0]\n", nameof(CheckState.Problem))]
    [InlineData("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -d 10.24.0.0/16 -j ACCEPT\n", nameof(CheckState.Ok))]
    [InlineData("*filter\n:FORWARD ACCEPT [0:0]\n", nameof(CheckState.Ok))]
    public void Packets_of_other_nodes_must_be_forwarded(string rules, string state)
    {
        host.WithSubnetFile();
        new ForwardCheck(PublishedSubnet.Read(host.Files, SubnetFile), section).Run(ForwardTrace.Parse(rules), "eth0", null);
        Assert.Equal(state, Assert.Single(section.Results).State.ToString());
    }

    [Fact]
    public void Rules_that_cannot_be_read_are_unknown_and_a_policy_without_a_subnet_is_a_note()
    {
        new ForwardCheck(null, section).Run(Result.Failure("it needs CAP_NET_ADMIN"), "eth0", null);
        new ForwardCheck(null, section).Run(ForwardTrace.Parse("*filter\n:FORWARD DROP [0:0]\n"), "eth0", null);
        Assert.Equal([CheckState.Unknown, CheckState.Note], section.Results.Select(result => result.State));
    }

    private void CheckDaemons() => new OtherDaemonsCheck(host.Files, new DaemonOptions(), section).Run();

    private void AssertOnly(CheckKind kind, CheckState state, string detail)
    {
        Assert.Single(section.Results);
        AssertResult(kind, state, detail);
    }

    private void AssertResult(CheckKind kind, CheckState state, string detail)
    {
        var result = Assert.Single(section.Results, result => result.Kind == kind);
        Assert.Equal((state, detail), (result.State, result.Detail));
    }

    private static HostInterface Interface(string name, int mtu) => new(name, "", mtu, []);

    private static SelectedInterface Selected(int mtu) => new(new HostInterface("eth0", "", mtu, [Address]), Address, Address);
}
