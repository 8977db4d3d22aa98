namespace Flannel.Testbed;

/// <summary>
/// A VPC with the cloud's services, a real etcd and ECS instances. Two kinds: <see cref="VpcTopology"/> in network namespaces with a
/// data path, and <see cref="LoopbackVpc"/> with neither, for machines where namespaces cannot be made.
/// </summary>
public abstract class TestVpc : IAsyncDisposable
{
    /// <summary>Where flannel's keys are by default.</summary>
    public const string Prefix = "/coreos.com/network";

    /// <summary>The flannel network of the walk-through: outside the VPC's range.</summary>
    public const string Network = "10.24.0.0/16";

    /// <summary>The network config of the walk-through.</summary>
    public const string Config = "{\"Network\":\"" + Network + "\",\"Backend\":{\"Type\":\"ali-vpc\"}}";

    private protected TestVpc(World world, RunFolder folder) => (World, Folder) = (world, folder);

    public World World { get; }

    public RunFolder Folder { get; }

    public abstract SimulatorProcess Cloud { get; }

    public abstract EtcdServer Etcd { get; }

    public abstract IReadOnlyList<EcsInstance> Instances { get; }

    /// <summary>Null when namespaces are in use, else why there is no data path.</summary>
    public abstract string? NoDataPath { get; }

    public SimulatorControl Control => Cloud.Control;

    /// <summary>In namespaces where they can be made, else on the loopback.</summary>
    public static async Task<TestVpc> StartHereAsync(World world, CancellationToken cancel) => await NetworkNamespace.UnavailableAsync(cancel) is { } reason
        ? await LoopbackVpc.StartAsync(world, cancel, reason)
        : await VpcTopology.StartAsync(world, cancel);

    /// <summary>Puts the network config where every daemon looks for it.</summary>
    public Task PublishConfigAsync(CancellationToken cancel, string config = Config)
    {
        EtcdHoldsSecret |= SecretWatch.Holds(config);
        return Etcd.Keys.PutAsync($"{Prefix}/config", config, cancel);
    }

    /// <summary>An operator has put a key into the configuration, where whoever may read etcd has it, or has given etcd a password.</summary>
    public bool EtcdHoldsSecret { get; set; }

    /// <summary>The leases as they stand in etcd, in the order of their subnets' keys.</summary>
    public Task<IReadOnlyList<EtcdKey>> LeasesAsync(CancellationToken cancel) => Etcd.Keys.ListAsync($"{Prefix}/subnets/", cancel);

    /// <summary>The instance whose daemon holds the election, or null when no key of the election names one.</summary>
    public async Task<EcsInstance?> ControllerAsync(CancellationToken cancel)
    {
        var keys = await Etcd.Keys.ListAsync($"{Prefix}/ali-vpc/controller", cancel);
        return keys.Count == 0 ? null : Instances.SingleOrDefault(instance => keys[0].Value.Contains(instance.InstanceId, StringComparison.Ordinal));
    }

    public abstract ValueTask DisposeAsync();
}
