namespace Flannel.HostNetwork;

/// <summary>A kernel setting that keeps packets of containers from passing.</summary>
/// <param name="Name">By the name of sysctl(8).</param>
/// <param name="Effect">What does not work, for an operator.</param>
public sealed record SettingProblem(string Name, string Value, string Required, string Effect)
{
    public override string ToString() => $"{Name} is {Value}: {Effect}";
}

/// <summary>The kernel settings that traffic of containers needs.</summary>
public static class ContainerSettings
{
    private const string IpForward = "net.ipv4.ip_forward";
    private const string Ipv6Forwarding = "net.ipv6.conf.all.forwarding";
    private const string AcceptWhileForwarding = "2";
    private const string BridgeFilter = "net.bridge.bridge-nf-call-iptables";
    private const string StrictReversePath = "1";
    internal const string LooseReversePath = "2";

    /// <summary>The settings of this host that must change.</summary>
    /// <param name="interfaceName">The interface between the hosts.</param>
    /// <param name="hasDefaultRoute">Whether the default route leads through that interface.</param>
    public static IReadOnlyList<SettingProblem> FindProblems(KernelSettings settings, string interfaceName, bool hasDefaultRoute)
    {
        var problems = new List<SettingProblem>();
        if (settings.Read(IpForward) is { } forward and not "1")
            problems.Add(new SettingProblem(IpForward, forward, "1", "this host forwards no packets of containers"));
        if (ReversePathProblem(settings, interfaceName, hasDefaultRoute) is { } filter) problems.Add(filter);
        // Only hosts with the module br_netfilter have it.
        if (settings.Read(BridgeFilter) is { } bridge and not "1")
        {
            problems.Add(new SettingProblem(
                BridgeFilter, bridge, "1", "rules of iptables, such as those of kube-proxy, do not see packets inside a bridge"));
        }

        return problems;
    }

    /// <summary>The same for IPv6 of a dual-stack cluster, in the order in which they must be set.</summary>
    /// <param name="isAdvertised">Whether a router advertisement gave that interface its default route. A host that forwards ignores
    /// advertisements unless <c>accept_ra</c> is 2, and loses the route (<c>Documentation/networking/ip-sysctl.rst</c>).</param>
    public static IReadOnlyList<SettingProblem> FindIpv6Problems(KernelSettings settings, string interfaceName, bool isAdvertised)
    {
        var problems = new List<SettingProblem>();
        var acceptName = $"net.ipv6.conf.{KernelSettings.NameOfInterface(interfaceName)}.accept_ra";
        if (isAdvertised && settings.Read(acceptName) == "1")
        {
            problems.Add(new SettingProblem(
                acceptName, "1", AcceptWhileForwarding, "a host that forwards IPv6 loses the default route that its router advertises"));
        }

        if (settings.Read(Ipv6Forwarding) is { } forward and not "1")
            problems.Add(new SettingProblem(Ipv6Forwarding, forward, "1", "this host forwards no IPv6 packets of containers"));
        return problems;
    }

    /// <summary>The settings that lose packets while a route moves between the VPC and the tunnel, with <c>Fallback</c>: for a moment, the
    /// two nodes of a pair use different paths. The strict filter drops a packet that arrives on another interface than its answer
    /// takes.</summary>
    /// <param name="interfaceNames">The interface between the hosts, and the VXLAN device.</param>
    public static IReadOnlyList<SettingProblem> FindFallbackProblems(KernelSettings settings, IEnumerable<string> interfaceNames) =>
    [
        .. interfaceNames.Where(name => IsStrict(settings, name)).Select(name => new SettingProblem(
            ReversePathFilterOf(name), StrictReversePath, LooseReversePath,
            $"packets that arrive on {name} are dropped while a route moves between the VPC and the tunnel")),
    ];

    internal static string ReversePathFilterOf(string interfaceName) =>
        $"net.ipv4.conf.{KernelSettings.NameOfInterface(interfaceName)}.rp_filter";

    /// <summary>The strict filter drops a packet whose source would be reached through another interface: those of other nodes' containers
    /// if the default route leads elsewhere (<c>Documentation/networking/ip-sysctl.rst</c>).</summary>
    private static SettingProblem? ReversePathProblem(KernelSettings settings, string interfaceName, bool hasDefaultRoute)
    {
        return !hasDefaultRoute && IsStrict(settings, interfaceName)
            ? new SettingProblem(
                ReversePathFilterOf(interfaceName), StrictReversePath, LooseReversePath,
                $"packets of containers that arrive on {interfaceName} are dropped")
            : null;
    }

    /// <summary>Whether the filter of an interface is strict: the kernel uses the larger of its value and that of <c>all</c>.</summary>
    private static bool IsStrict(KernelSettings settings, string interfaceName)
    {
        var values = new[] { settings.Read("net.ipv4.conf.all.rp_filter"), settings.Read(ReversePathFilterOf(interfaceName)) };
        return values.Contains(StrictReversePath) && !values.Contains(LooseReversePath);
    }
}
