namespace Flannel.Testbed;

/// <summary>
/// A VPC with the cloud's services, a real etcd and ECS instances: <see cref="VpcTopology"/> in network namespaces with a data path, or
/// <see cref="LoopbackVpc"/> without both, for hosts that cannot create namespaces.
/// </summary>
public abstract class TestVpc : IAsyncDisposable
{
    /// <summary>The default of --etcd-prefix.</summary>
    public const string Prefix = "/coreos.com/network";

    /// <summary>The flannel network of the walk-through; it does not overlap the VPC.</summary>
    public const string Network = "10.24.0.0/16";

    /// <summary>The network config of the walk-through.</summary>
    public const string Config = "{\"Network\":\"" + Network + "\",\"Backend\":{\"Type\":\"ali-vpc\"}}";

    /// <summary>The value of a lease of flannel v0.19.2 with the ali-vpc backend, which has no BackendData.</summary>
    public static string UpstreamLease(string publicIp) => $$"""{"PublicIP":"{{publicIp}}","PublicIPv6":null,"BackendType":"ali-vpc"}""";

    /// <summary>The text of a subnet.env.</summary>
    /// <param name="gateway">The first address of the subnet with its prefix length.</param>
    public static string SubnetEnv(string gateway) =>
        $"FLANNEL_NETWORK={Network}\nFLANNEL_SUBNET={gateway}\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n";

    private protected TestVpc(CloudSetup setup, RunFolder folder) => (CloudSetup, Folder) = (setup, folder);

    public CloudSetup CloudSetup { get; }

    public RunFolder Folder { get; }

    public abstract SimulatorProcess Cloud { get; }

    public abstract EtcdServer Etcd { get; }

    public abstract IReadOnlyList<EcsInstance> Instances { get; }

    /// <summary>Why there is no data path; null if there is one.</summary>
    public abstract string? NoDataPath { get; }

    public SimulatorControl Control => Cloud.Control;

    /// <summary>Starts a VPC in network namespaces if the host can create them, otherwise on the loopback.</summary>
    public static async Task<TestVpc> StartHereAsync(CloudSetup setup, CancellationToken cancel) =>
        await NetworkNamespace.UnavailableAsync(cancel) is { } reason
            ? await LoopbackVpc.StartAsync(setup, cancel, reason)
            : await VpcTopology.StartAsync(setup, cancel);

    /// <summary>Writes the network config to etcd.</summary>
    public Task PublishConfigAsync(CancellationToken cancel, string config = Config)
    {
        EtcdHoldsSecret |= SecretScanner.ContainsSecret(config);
        return Etcd.Keys.PutAsync($"{Prefix}/config", config, cancel);
    }

    /// <summary>Whether etcd's data may contain a secret: an access key in the network config, or a password of etcd.</summary>
    public bool EtcdHoldsSecret { get; set; }

    /// <summary>The keys of the leases in etcd, in key order.</summary>
    public Task<IReadOnlyList<EtcdKey>> LeasesAsync(CancellationToken cancel) => Etcd.Keys.ListAsync($"{Prefix}/subnets/", cancel);

    /// <summary>The elected route controller by its key in etcd, or null.</summary>
    public async Task<EcsInstance?> ControllerAsync(CancellationToken cancel)
    {
        var keys = await Etcd.Keys.ListAsync($"{Prefix}/ali-vpc/controller", cancel);
        return keys.Count == 0
            ? null : Instances.SingleOrDefault(instance => keys[0].Value.Contains(instance.InstanceId, StringComparison.Ordinal));
    }

    public abstract ValueTask DisposeAsync();
}
