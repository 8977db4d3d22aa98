namespace Flannel.Testbed;

/// <summary>
/// A VPC on one switch: the simulated cloud, a cluster of etcd and ECS instances, each in a namespace of its own, so that members and
/// nodes can be cut off from each other. No data path; <see cref="VpcTopology"/> has one.
/// </summary>
public sealed class ClusterVpc : IAsyncDisposable
{
    /// <summary>Where every daemon's health is asked, at 127.0.0.1 of its instance.</summary>
    public const int HealthPort = 8471;

    private readonly NetworkSwitch network;
    private readonly TestAuthority authority;
    private readonly List<ClusterNode> nodes = [];
    private SimulatorProcess? cloud;
    private EtcdCluster? etcd;
    private PacketWatch? packets;

    private ClusterVpc(World world, RunFolder folder, NetworkSwitch network)
    {
        (World, Folder, this.network) = (world, folder, network);
        authority = new TestAuthority(folder.Path);
    }

    public World World { get; }

    public RunFolder Folder { get; }

    public SimulatorControl Control => cloud!.Control;

    public EtcdCluster Etcd => etcd!;

    public IReadOnlyList<ClusterNode> Nodes => nodes;

    /// <param name="members">Of etcd: one or three.</param>
    /// <param name="etcdArguments">For every member, beside the usual ones.</param>
    public static async Task<ClusterVpc> StartAsync(World world, int members, CancellationToken cancel, params string[] etcdArguments)
    {
        var vpc = new ClusterVpc(world, new RunFolder("cluster"), await NetworkSwitch.CreateAsync("switch", cancel, VpcTopology.MetadataAddress, VpcTopology.ApiAddress));
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

    public Task PublishConfigAsync(CancellationToken cancel, string config = TestVpc.Config) => Etcd.PutAsync($"{TestVpc.Prefix}/config", config, cancel);

    /// <summary>The leases as they stand in etcd, in the order of their subnets' keys.</summary>
    public Task<IReadOnlyList<EtcdKey>> LeasesAsync(CancellationToken cancel) => Etcd.ListAsync($"{TestVpc.Prefix}/subnets/", cancel);

    /// <summary>The lease of a node, or null.</summary>
    public async Task<EtcdKey?> LeaseAsync(ClusterNode node, CancellationToken cancel) =>
        (await LeasesAsync(cancel)).SingleOrDefault(lease => lease.Value.Contains($"\"{node.Instance.PublicIp}\"", StringComparison.Ordinal));

    /// <summary>The node that the election's key names, or null.</summary>
    public async Task<ClusterNode?> ControllerAsync(CancellationToken cancel)
    {
        var keys = await Etcd.ListAsync($"{TestVpc.Prefix}/ali-vpc/controller", cancel);
        return keys.Count == 0 ? null : nodes.SingleOrDefault(node => keys[0].Value.Contains(node.Instance.InstanceId, StringComparison.Ordinal));
    }

    public Task CutOffAsync(ClusterNode node, CancellationToken cancel) => network.CutOffAsync(cancel, node.Port);

    public Task HealAsync(ClusterNode node, CancellationToken cancel) => network.HealAsync(cancel, node.Port);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
        // Of one that did not come to be nothing needs to have been seen.
        var seen = packets is null || cloud is null ? null : await packets.EndAsync();
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
            // etcd writes the password of whoever authenticates into its own log.
            SecretWatch.LookInto(Folder.Path, etcdMay: true);
            if (seen is not null)
            {
                throw new TestbedException($"a secret crossed the wire: {seen}");
            }
        }
        finally
        {
            Folder.Dispose();
        }
    }

    private async Task BuildAsync(int members, string[] etcdArguments, CancellationToken cancel)
    {
        packets = await PacketWatch.StartAsync(network.Namespace, VpcTopology.MayTellSecrets);
        var cloud = SimulatorProcess.StartAsync(World, Folder, network.Namespace, $"http://{VpcTopology.MetadataAddress}:80", $"http://{VpcTopology.ApiAddress}:8080", "http://127.0.0.1:8081", cancel);
        etcd = await EtcdCluster.StartAsync(network, authority, Folder.Path, members, etcdArguments, cancel);
        this.cloud = await cloud;
        foreach (var facts in World.Instances)
        {
            var ns = await NetworkNamespace.CreateAsync($"node{facts.Number}", cancel);
            var instance = new EcsInstance(facts, Folder, facts.PrivateIp,
            [
                .. Etcd.ClientArguments, $"--vpc-endpoint=http://{VpcTopology.ApiAddress}:8080", $"--ecs-endpoint=http://{VpcTopology.ApiAddress}:8080",
                "--healthz-ip=127.0.0.1", $"--healthz-port={HealthPort}",
            ], ns);
            var node = new ClusterNode(instance);
            nodes.Add(node);
            await network.ConnectAsync(ns, node.Port, facts.Mac, facts.PrivateIp, cancel);
        }
    }
}
