namespace Flanneld.Commands.Check;

/// <summary>What is checked.</summary>
/// <param name="Id">For programs; never changes.</param>
/// <param name="Subject">For people.</param>
internal sealed record CheckKind(string Id, string Subject)
{
    public static readonly CheckKind Settings = new("settings", "settings");
    public static readonly CheckKind Options = new("options", "options");
    public static readonly CheckKind Interface = new("interface", "interface");
    public static readonly CheckKind Mtu = new("mtu", "mtu");
    public static readonly CheckKind Sysctls = new("sysctls", "sysctls");
    public static readonly CheckKind Ipv6 = new("ipv6", "IPv6");
    public static readonly CheckKind KernelModules = new("kernel-modules", "kernel modules");
    public static readonly CheckKind EtcdPassword = new("etcd-password", "etcd password");
    public static readonly CheckKind Daemon = new("daemon", "daemon");
    public static readonly CheckKind OtherDaemons = new("other-daemons", "other daemons");
    public static readonly CheckKind OtherSubnetFiles = new("other-subnet-files", "other subnet files");
    public static readonly CheckKind Etcd = new("etcd", "etcd");
    public static readonly CheckKind Kubernetes = new("kubernetes", "Kubernetes API");
    public static readonly CheckKind Rbac = new("rbac", "RBAC permissions");
    public static readonly CheckKind Configuration = new("configuration", "configuration");
    public static readonly CheckKind PodCidr = new("pod-cidr", "podCIDR");
    public static readonly CheckKind NodeCondition = new("node-condition", "node condition");
    public static readonly CheckKind Leases = new("leases", "leases");
    public static readonly CheckKind OwnRoute = new("own-route", "route of this node");
    public static readonly CheckKind TunnelDevices = new("tunnel-devices", "tunnel devices");
    public static readonly CheckKind ContainerMtu = new("container-mtu", "container MTU");
    public static readonly CheckKind ForwardPolicy = new("forward-policy", "forwarding");
    public static readonly CheckKind Docker = new("docker", "docker");
    public static readonly CheckKind DockerSettings = new("docker-settings", "docker settings");
    public static readonly CheckKind DockerDropIn = new("docker-drop-in", "docker drop-in");
    public static readonly CheckKind DockerBridge = new("docker-bridge", "docker bridge");
    public static readonly CheckKind DockerDirectAccess = new("docker-direct-access", "docker direct access");
    public static readonly CheckKind VxlanCommand = new("vxlan-command", "vxlan command");
    public static readonly CheckKind VxlanCapability = new("vxlan-capability", "vxlan capability");
    public static readonly CheckKind VxlanModule = new("vxlan-module", "vxlan module");
    public static readonly CheckKind VxlanSettings = new("vxlan-settings", "vxlan settings");
    public static readonly CheckKind RouteController = new("route-controller", "route controller");
    public static readonly CheckKind ClusterId = new("cluster-id", "cluster id");
    public static readonly CheckKind Metadata = new("metadata", "metadata");
    public static readonly CheckKind Identity = new("identity", "identity");
    public static readonly CheckKind VpcEndpoint = new("vpc-endpoint", "vpc endpoint");
    public static readonly CheckKind EcsEndpoint = new("ecs-endpoint", "ecs endpoint");
    public static readonly CheckKind StsEndpoint = new("sts-endpoint", "sts endpoint");
    public static readonly CheckKind Credentials = new("credentials", "credentials");
    public static readonly CheckKind Clock = new("clock", "clock");
    public static readonly CheckKind RamPermissions = new("ram-permissions", "RAM permissions");
    public static readonly CheckKind RouteTable = new("route-table", "route table");
    public static readonly CheckKind Quota = new("quota", "quota");
    public static readonly CheckKind Network = new("network", "network");
    public static readonly CheckKind SourceDestCheck = new("source-dest-check", "source/destination check");
    public static readonly CheckKind LeasesAndRoutes = new("leases-and-routes", "leases and routes");
    public static readonly CheckKind CloudControllerManager = new("cloud-controller-manager", "cloud controller manager");
    public static readonly CheckKind OtherClusters = new("other-clusters", "other clusters");
    public static readonly CheckKind UnmanagedRoutes = new("unmanaged-routes", "unmanaged routes");
    public static readonly CheckKind OtherEntries = new("other-entries", "other entries");
    public static readonly CheckKind Cloud = new("cloud", "cloud");
    public static readonly CheckKind SecurityGroup = new("security-group", "security group");

    /// <summary>All of them, in the order of the report.</summary>
    public static IReadOnlyList<CheckKind> All { get; } =
    [
        Settings, Options, Interface, Mtu, Sysctls, Ipv6, KernelModules, EtcdPassword, Daemon, OtherDaemons, OtherSubnetFiles, Etcd,
        Kubernetes, Rbac, Configuration, PodCidr, NodeCondition, Leases, OwnRoute, TunnelDevices, ContainerMtu, ForwardPolicy, Docker,
        DockerSettings, DockerDropIn, DockerBridge, DockerDirectAccess, VxlanCommand, VxlanCapability, VxlanModule, VxlanSettings,
        RouteController, ClusterId, Metadata, Identity,
        VpcEndpoint, EcsEndpoint, StsEndpoint, Credentials, Clock, RamPermissions, RouteTable, Quota, Network, SourceDestCheck,
        LeasesAndRoutes, CloudControllerManager, OtherClusters, UnmanagedRoutes, OtherEntries, Cloud, SecurityGroup,
    ];
}
