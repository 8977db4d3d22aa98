namespace Flannel.HostNetwork.Tests;

public sealed class ContainerSettingsTests : IDisposable
{
    private const string Forward = "net.ipv4.ip_forward";
    private const string Bridge = "net.bridge.bridge-nf-call-iptables";
    private const string AllFilter = "net.ipv4.conf.all.rp_filter";
    private const string InterfaceFilter = "net.ipv4.conf.eth0.rp_filter";

    private readonly string root = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void Forwarding_must_be_on()
    {
        Set(Forward, "0");
        var problem = Assert.Single(Problems());
        Assert.Equal((Forward, "0", "1"), (problem.Name, problem.Value, problem.Required));
        Assert.Equal("net.ipv4.ip_forward is 0: this host forwards no packets of containers", problem.ToString());
        Set(Forward, "1");
        Assert.Empty(Problems());
    }

    [Theory]
    [InlineData("1", "0", false, true)]
    [InlineData("0", "1", false, true)]
    [InlineData("1", "1", false, true)]
    [InlineData("0", "0", false, false)]
    [InlineData("2", "1", false, false)]
    [InlineData("1", "2", false, false)]
    [InlineData("1", "1", true, false)]
    public void The_strict_reverse_path_filter_is_a_problem_beside_the_default_route(
        string all, string own, bool hasDefaultRoute, bool isProblem)
    {
        Set(AllFilter, all);
        Set(InterfaceFilter, own);
        var problems = Problems(hasDefaultRoute);
        Assert.Equal(isProblem ? [InterfaceFilter] : [], problems.Select(problem => problem.Name));
        Assert.All(problems, problem => Assert.Equal("2", problem.Required));
    }

    [Theory]
    [InlineData("0", "1", true, "net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.all.forwarding=1")]
    [InlineData("1", "1", true, "net.ipv6.conf.eth0.accept_ra=2")]
    [InlineData("0", "2", true, "net.ipv6.conf.all.forwarding=1")]
    [InlineData("0", "1", false, "net.ipv6.conf.all.forwarding=1")]
    [InlineData("1", "1", false, "")]
    [InlineData("1", "0", true, "")]
    public void IPv6_needs_forwarding_and_keeps_an_advertised_default_route(
        string forwarding, string accept, bool isAdvertised, string expected)
    {
        Set("net.ipv6.conf.all.forwarding", forwarding);
        Set("net.ipv6.conf.eth0.accept_ra", accept);
        var problems = ContainerSettings.FindIpv6Problems(new KernelSettings(root), "eth0", isAdvertised);
        Assert.Equal(expected, string.Join(' ', problems.Select(problem => $"{problem.Name}={problem.Required}")));
    }

    [Fact]
    public void A_kernel_without_IPv6_has_none_of_the_settings() =>
        Assert.Empty(ContainerSettings.FindIpv6Problems(new KernelSettings(root), "eth0", isAdvertised: true));

    [Fact]
    public void The_strict_reverse_path_filter_is_a_problem_of_the_fallback_also_on_the_default_route()
    {
        Set(AllFilter, "0");
        Set(InterfaceFilter, "1");
        Directory.CreateDirectory(Path.Combine(root, "net/ipv4/conf/flannel.1"));
        File.WriteAllText(Path.Combine(root, "net/ipv4/conf/flannel.1/rp_filter"), "2\n");
        var problem = Assert.Single(ContainerSettings.FindFallbackProblems(new KernelSettings(root), ["eth0", "flannel.1"]));
        Assert.Equal(
            "net.ipv4.conf.eth0.rp_filter is 1: packets that arrive on eth0 are dropped while a route moves between the VPC and the tunnel",
            problem.ToString());
        Set(InterfaceFilter, "2");
        Assert.Empty(ContainerSettings.FindFallbackProblems(new KernelSettings(root), ["eth0", "flannel.1"]));
    }

    [Fact]
    public void The_filter_of_bridges_counts_where_the_kernel_has_it()
    {
        Assert.Empty(Problems());
        Set(Bridge, "0");
        Assert.Equal(Bridge, Assert.Single(Problems()).Name);
    }

    [Fact]
    public void The_name_of_an_interface_may_contain_a_dot()
    {
        var settings = new KernelSettings(root);
        Directory.CreateDirectory(Path.Combine(root, "net/ipv4/conf/eth0.5"));
        Assert.True(settings.Write("net.ipv4.conf.eth0/5.rp_filter", "1").Ok);
        Assert.Equal("1", settings.Read("net.ipv4.conf.eth0/5.rp_filter"));
        var problem = Assert.Single(ContainerSettings.FindProblems(settings, "eth0.5", hasDefaultRoute: false));
        Assert.Equal("net.ipv4.conf.eth0/5.rp_filter", problem.Name);
    }

    [Fact]
    public void A_setting_that_the_kernel_does_not_have_cannot_be_set()
    {
        var settings = new KernelSettings(root);
        Assert.Null(settings.Read(Forward));
        Assert.False(settings.Write(Forward, "1").Ok);
    }

    private IReadOnlyList<SettingProblem> Problems(bool hasDefaultRoute = true) =>
        ContainerSettings.FindProblems(new KernelSettings(root), "eth0", hasDefaultRoute);

    private void Set(string name, string value)
    {
        var file = Path.Combine([root, .. name.Split('.')]);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, value + "\n");
    }
}
