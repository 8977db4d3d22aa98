namespace Flannel.Testbed;

/// <summary>
/// A VPC on one switch: the simulated cloud, an etcd cluster and ECS instances, each in a network namespace, so that members and nodes
/// can be isolated from each other. There is no data path; <see cref="VpcTopology"/> has one.
/// </summary>
public sealed class ClusterVpc : IAsyncDisposable
{
    private readonly NetworkSwitch network;
    private readonly TestCertificateAuthority authority;
    private readonly List<ClusterNode> nodes = [];
    private SimulatorProcess? cloud;
    private EtcdCluster? etcd;
    private PacketScanner? packets;

    private ClusterVpc(CloudSetup setup, RunFolder folder, NetworkSwitch network)
    {
        (CloudSetup, Folder, this.network) = (setup, folder, network);
        authority = new TestCertificateAuthority(folder.Path);
    }

    public CloudSetup CloudSetup { get; }

    public RunFolder Folder { get; }

    public SimulatorControl Control => cloud!.Control;

    public EtcdCluster Etcd => etcd!;

    public IReadOnlyList<ClusterNode> Nodes => nodes;

    /// <param name="members">The number of etcd members: one or three.</param>
    /// <param name="etcdArguments">Additional arguments of every member.</param>
    public static async Task<ClusterVpc> StartAsync(CloudSetup setup, int members, CancellationToken cancel, params string[] etcdArguments)
    {
        var network = await NetworkSwitch.CreateAsync("switch", cancel, VpcTopology.MetadataAddress, VpcTopology.ApiAddress);
        var vpc = new ClusterVpc(setup, new RunFolder("cluster"), network);
        try
        {
            await vpc.BuildAsync(members, etcdArguments, cancel);
            return vpc;
        }
        catch
        {
            await vpc.DisposeAsync();
            throw;
        }
    }

    public Task PublishConfigAsync(CancellationToken cancel, string config = TestVpc.Config) =>
        Etcd.PutAsync($"{TestVpc.Prefix}/config", config, cancel);

    /// <summary>The keys of the leases in etcd, in key order.</summary>
    public Task<IReadOnlyList<EtcdKey>> LeasesAsync(CancellationToken cancel) => Etcd.ListAsync($"{TestVpc.Prefix}/subnets/", cancel);

    /// <summary>The lease of a node, or null.</summary>
    public async Task<EtcdKey?> LeaseAsync(ClusterNode node, CancellationToken cancel) => (await LeasesAsync(cancel))
        .SingleOrDefault(lease => lease.Value.Contains($"\"{node.Instance.PublicIp}\"", StringComparison.Ordinal));

    /// <summary>The elected route controller by its key in etcd, or null.</summary>
    public async Task<ClusterNode?> ControllerAsync(CancellationToken cancel)
    {
        var keys = await Etcd.ListAsync($"{TestVpc.Prefix}/ali-vpc/controller", cancel);
        return keys.Count == 0
            ? null : nodes.SingleOrDefault(node => keys[0].Value.Contains(node.Instance.InstanceId, StringComparison.Ordinal));
    }

    public Task IsolateAsync(ClusterNode node, CancellationToken cancel) => network.IsolateAsync(cancel, node.Port);

    public Task ReconnectAsync(ClusterNode node, CancellationToken cancel) => network.ReconnectAsync(cancel, node.Port);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        // After a failed start there may have been no traffic to scan.
        var leak = packets is null || cloud is null ? null : await packets.StopAsync();
        foreach (var part in new IAsyncDisposable?[] { packets, etcd, cloud, network })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
        authority.Dispose();
        try
        {
            // etcd writes the password of an authentication request into its write-ahead log.
            SecretScanner.AssertNoneInFolder(Folder.Path, isAllowedInEtcd: true);
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

    private async Task BuildAsync(int members, string[] etcdArguments, CancellationToken cancel)
    {
        packets = await PacketScanner.StartAsync(network.Namespace, VpcTopology.MaySendSecrets);
        var cloud = SimulatorProcess.StartAsync(
            CloudSetup, Folder, network.Namespace, VpcTopology.MetadataEndpoint, VpcTopology.ApiEndpoint, VpcTopology.ControlEndpoint,
            cancel);
        etcd = await EtcdCluster.StartAsync(network, authority, Folder.Path, members, etcdArguments, cancel);
        this.cloud = await cloud;
        foreach (var facts in CloudSetup.Instances)
        {
            var ns = await NetworkNamespace.CreateAsync($"node{facts.Number}", cancel);
            var instance = new EcsInstance(facts, Folder, facts.PrivateIp,
            [
                .. Etcd.ClientArguments, $"--vpc-endpoint={VpcTopology.ApiEndpoint}",
                $"--ecs-endpoint={VpcTopology.ApiEndpoint}",
                "--healthz-ip=127.0.0.1", $"--healthz-port={EcsInstance.HealthPort}",
            ], ns);
            var node = new ClusterNode(instance);
            nodes.Add(node);
            await network.ConnectAsync(ns, node.Port, facts.Mac, facts.PrivateIp, cancel);
        }
    }
}
