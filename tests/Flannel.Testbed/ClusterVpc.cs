namespace Flannel.Testbed;

/// <summary>
/// A VPC on one switch: the simulated cloud, a cluster of etcd and ECS instances, each in a namespace of its own, so that members and
/// nodes can be cut off from each other. No data path; <see cref="VpcTopology"/> has one.
/// </summary>
public sealed class ClusterVpc : IAsyncDisposable
{
    /// <summary>Where every daemon's health is asked, at 127.0.0.1 of its instance.</summary>
    public const int HealthPort = 8471;

    private readonly NetworkSwitch _network;
    private readonly TestAuthority _authority;
    private readonly List<ClusterNode> _nodes = [];
    private SimulatorProcess? _cloud;
    private EtcdCluster? _etcd;
    private PacketWatch? _packets;

    private ClusterVpc(World world, RunFolder folder, NetworkSwitch network)
    {
        (World, Folder, _network) = (world, folder, network);
        _authority = new TestAuthority(folder.Path);
    }

    public World World { get; }

    public RunFolder Folder { get; }

    public SimulatorControl Control => _cloud!.Control;

    public EtcdCluster Etcd => _etcd!;

    public IReadOnlyList<ClusterNode> Nodes => _nodes;

    /// <param name="members">Of etcd: one or three.</param>
    /// <param name="etcdArguments">For every member, beside the usual ones.</param>
    public static async Task<ClusterVpc> StartAsync(World world, int members, CancellationToken cancel, params string[] etcdArguments)
    {
        var vpc = new ClusterVpc(world, new RunFolder("cluster"), await NetworkSwitch.CreateAsync("switch", cancel, VpcTopology.MetadataAddress, VpcTopology.ApiAddress).ConfigureAwait(false));
        try
        {
            await vpc.BuildAsync(members, etcdArguments, cancel).ConfigureAwait(false);
            return vpc;
        }
        catch
        {
            await vpc.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task PublishConfigAsync(CancellationToken cancel, string config = TestVpc.Config) => Etcd.PutAsync($"{TestVpc.Prefix}/config", config, cancel);

    /// <summary>The leases as they stand in etcd, in the order of their subnets' keys.</summary>
    public Task<IReadOnlyList<EtcdKey>> LeasesAsync(CancellationToken cancel) => Etcd.ListAsync($"{TestVpc.Prefix}/subnets/", cancel);

    /// <summary>The lease of a node, or null.</summary>
    public async Task<EtcdKey?> LeaseAsync(ClusterNode node, CancellationToken cancel) =>
        (await LeasesAsync(cancel).ConfigureAwait(false)).SingleOrDefault(lease => lease.Value.Contains($"\"{node.Instance.PublicIp}\"", StringComparison.Ordinal));

    /// <summary>The node that the election's key names, or null.</summary>
    public async Task<ClusterNode?> ControllerAsync(CancellationToken cancel)
    {
        var keys = await Etcd.ListAsync($"{TestVpc.Prefix}/ali-vpc/controller", cancel).ConfigureAwait(false);
        return keys.Count == 0 ? null : _nodes.SingleOrDefault(node => keys[0].Value.Contains(node.Instance.InstanceId, StringComparison.Ordinal));
    }

    public Task CutOffAsync(ClusterNode node, CancellationToken cancel) => _network.CutOffAsync(cancel, node.Port);

    public Task HealAsync(ClusterNode node, CancellationToken cancel) => _network.HealAsync(cancel, node.Port);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(node => node.DisposeAsync().AsTask())).ConfigureAwait(false);
        // Of one that did not come to be nothing needs to have been seen.
        var seen = _packets is null || _cloud is null ? null : await _packets.EndAsync().ConfigureAwait(false);
        foreach (var part in new IAsyncDisposable?[] { _packets, _etcd, _cloud, _network })
        {
            if (part is not null)
            {
                await part.DisposeAsync().ConfigureAwait(false);
            }
        }
        _authority.Dispose();
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
        _packets = await PacketWatch.StartAsync(_network.Namespace, VpcTopology.MayTellSecrets).ConfigureAwait(false);
        var cloud = SimulatorProcess.StartAsync(World, Folder, _network.Namespace, $"http://{VpcTopology.MetadataAddress}:80", $"http://{VpcTopology.ApiAddress}:8080", "http://127.0.0.1:8081", cancel);
        _etcd = await EtcdCluster.StartAsync(_network, _authority, Folder.Path, members, etcdArguments, cancel).ConfigureAwait(false);
        _cloud = await cloud.ConfigureAwait(false);
        foreach (var facts in World.Instances)
        {
            var ns = await NetworkNamespace.CreateAsync($"node{facts.Number}", cancel).ConfigureAwait(false);
            var instance = new EcsInstance(facts, Folder, facts.PrivateIp,
            [
                .. Etcd.ClientArguments, $"--vpc-endpoint=http://{VpcTopology.ApiAddress}:8080", $"--ecs-endpoint=http://{VpcTopology.ApiAddress}:8080",
                "--healthz-ip=127.0.0.1", $"--healthz-port={HealthPort}",
            ], ns);
            var node = new ClusterNode(instance);
            _nodes.Add(node);
            await _network.ConnectAsync(ns, node.Port, facts.Mac, facts.PrivateIp, cancel).ConfigureAwait(false);
        }
    }
}
