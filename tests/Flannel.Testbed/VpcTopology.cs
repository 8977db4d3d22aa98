namespace Flannel.Testbed;

/// <summary>
/// A VPC in network namespaces. The namespace of the cloud is the VPC's router and runs the metadata service at 100.100.100.200 and the
/// APIs. Each instance has a namespace that is connected to the router with a veth pair. etcd has its own, 192.168.1.10, so that it
/// survives the power failure of a node. The network of the host is not changed.
/// </summary>
public sealed class VpcTopology : TestVpc
{
    public const string MetadataAddress = "100.100.100.200";
    public const string ApiAddress = "100.100.0.10";
    public const int ApiPort = 8080;
    public const string ApiEndpoint = "http://100.100.0.10:8080";
    public const string EtcdAddress = "192.168.1.10";

    /// <summary>The control API of the simulated cloud listens on the loopback of its namespace.</summary>
    internal const string ControlEndpoint = "http://127.0.0.1:8081";
    internal const string MetadataEndpoint = $"http://{MetadataAddress}:80";

    private const int ControlPort = 8081;
    private const string EtcdMac = "00:16:3e:ff:00:10";

    private readonly NetworkNamespace cloudNamespace;
    private readonly NetworkNamespace etcdNamespace;
    private readonly List<EcsInstance> instances = [];
    private SimulatorProcess? cloud;
    private EtcdServer? etcd;
    private VpcRouter? router;
    private PacketScanner? packets;

    private VpcTopology(CloudSetup setup, RunFolder folder, NetworkNamespace cloud, NetworkNamespace etcd)
        : base(setup, folder) => (cloudNamespace, etcdNamespace) = (cloud, etcd);

    public override SimulatorProcess Cloud => cloud!;

    public override EtcdServer Etcd => etcd!;

    public override IReadOnlyList<EcsInstance> Instances => instances;

    public override string? NoDataPath => null;

    /// <summary>The namespace of the router, the metadata service and the APIs.</summary>
    public NetworkNamespace RouterNamespace => cloudNamespace;

    public NetworkNamespace EtcdNamespace => etcdNamespace;

    public VpcRouter Router => router!;

    /// <summary>The TLS files of etcd; null without TLS.</summary>
    public TlsFiles? EtcdTls { get; private set; }

    /// <param name="etcdName">The DNS name of an etcd with mutual TLS (<see cref="EtcdTls"/>); null for an etcd without TLS.</param>
    /// <exception cref="TestbedException">A part did not start; all created parts are removed.</exception>
    public static async Task<VpcTopology> StartAsync(CloudSetup setup, CancellationToken cancel, string? etcdName = null)
    {
        var vpc = new VpcTopology(setup, new RunFolder("vpc"),
            await NetworkNamespace.CreateAsync("cloud", cancel), await NetworkNamespace.CreateAsync("etcd", cancel));
        try
        {
            vpc.EtcdTls = etcdName is null ? null : new TlsFiles(vpc.Folder.Path, etcdName, EtcdAddress);
            await vpc.BuildAsync(cancel);
            return vpc;
        }
        catch
        {
            await vpc.DisposeAsync();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        // After a failed start there may have been no traffic to scan.
        var leak = packets is null || router is null ? null : await packets.StopAsync();
        // The router first: it uses the veth pairs, which disappear with the instances.
        IAsyncDisposable?[] parts = [packets, router, .. instances, etcd, cloud, etcdNamespace, cloudNamespace];
        foreach (var part in parts)
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
        EtcdTls?.Dispose();
        try
        {
            SecretScanner.AssertNoneInFolder(Folder.Path, EtcdHoldsSecret);
            if (leak is not null)
            {
                throw new TestbedException($"a secret was sent in plain text: {leak}");
            }
        }
        finally
        {
            Folder.Dispose();
        }
    }

    /// <summary>The metadata service, which issues keys, and the control API of the simulated cloud.</summary>
    internal static bool MaySendSecrets(System.Net.IPAddress from, int port) =>
        from.ToString() == MetadataAddress || (System.Net.IPAddress.IsLoopback(from) && port == ControlPort);

    private async Task BuildAsync(CancellationToken cancel)
    {
        await cloudNamespace.SetAsync(
            new("ipv4/ip_forward", "1"), new("ipv4/conf/all/rp_filter", "0"), new("ipv4/conf/default/rp_filter", "0"),
            new("ipv4/conf/all/proxy_arp", "1"));
        packets = await PacketScanner.StartAsync(cloudNamespace, (from, port) =>
            MaySendSecrets(from, port) || (EtcdHoldsSecret && port == 2379)
                || (CloudSetup.IsRoleAssumed && port == ApiPort && from.ToString() == ApiAddress));
        await cloudNamespace.IpAsync(cancel, $"address add {MetadataAddress}/32 dev lo", $"address add {ApiAddress}/32 dev lo");
        await ConnectAsync(etcdNamespace, VpcRouter.Port(0), EtcdMac, EtcdAddress, cancel);

        var etcd = EtcdServer.StartAsync(Path.Combine(Folder.Path, "etcd"), etcdNamespace, EtcdAddress, cancel, EtcdTls);
        var cloud = SimulatorProcess.StartAsync(
            CloudSetup, Folder, cloudNamespace, MetadataEndpoint, ApiEndpoint, ControlEndpoint, cancel);
        foreach (var facts in CloudSetup.Instances)
        {
            await AddInstanceAsync(facts, cancel);
        }
        this.etcd = await etcd;
        this.cloud = await cloud;
        router = await VpcRouter.StartAsync(cloudNamespace, Control, CloudSetup.Instances, cancel);
    }

    private async Task AddInstanceAsync(InstanceSetup facts, CancellationToken cancel)
    {
        var ns = await NetworkNamespace.CreateAsync($"node{facts.Number}", cancel);
        string[] arguments =
        [
            $"--etcd-endpoints=http://{EtcdAddress}:2379", $"--vpc-endpoint={ApiEndpoint}",
            $"--ecs-endpoint={ApiEndpoint}", $"--sts-endpoint={ApiEndpoint}",
        ];
        instances.Add(new EcsInstance(facts, Folder, facts.PrivateIp, arguments, ns));
        await ConnectAsync(ns, VpcRouter.Port(facts.Number), facts.Mac, facts.PrivateIp, cancel);
        await ns.SetAsync(new NamedValue("ipv4/ip_forward", "1"));
    }

    /// <summary>Connects eth0 of the machine to the router with a veth pair. The router answers all ARP requests, as the VPC
    /// does.</summary>
    private async Task ConnectAsync(NetworkNamespace machine, string port, string mac, string address, CancellationToken cancel)
    {
        var gateway = $"{address[..address.LastIndexOf('.')]}.{CloudSetup.GatewayHost}";
        await cloudNamespace.IpAsync(cancel,
            $"link add {port} type veth peer name eth0 address {mac} netns {machine.Name}",
            $"address add {gateway}/32 dev {port}",
            $"link set {port} up",
            $"route add {address}/32 dev {port}");
        await cloudNamespace.SetAsync(new NamedValue($"ipv4/neigh/{port}/proxy_delay", "0"));
        await machine.IpAsync(
            cancel, $"address add {address}/24 dev eth0", "link set eth0 up", $"route add default via {gateway}");
    }
}
