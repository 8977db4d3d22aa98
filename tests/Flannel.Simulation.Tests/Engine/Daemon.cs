using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Clients;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One process of <c>flanneld</c> whose subnet manager is etcd.</summary>
internal sealed class Daemon : SimulatedProcess
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RenewMargin = TimeSpan.FromSeconds(25);

    private readonly Cluster cluster;

    public Daemon(Cluster cluster, Machine machine, int seed) : base(cluster, machine, seed, EtcdException.ManagerName)
    {
        this.cluster = cluster;
        Etcd = new SimulatedEtcd(this, cluster, new CheckedEtcdWrites(cluster, this));
    }

    public SimulatedEtcd Etcd { get; }

    public override SimulatedConnection Connection => Etcd.Connection;

    protected override IpAddress? Ipv6Address => cluster.IsDualStack ? Machine.Ipv6Address : null;

    protected override ISubnetManager CreateSubnetManager(LivenessMonitor loops) => new EtcdSubnetManager(
        new EtcdContext(Etcd, cluster.Keys, Clock, Random, Loggers.CreateLogger("etcd")),
        new EtcdSubnetManagerOptions { LeaseTime = LeaseTime, RenewMargin = RenewMargin }, loops);

    protected override IControllerStore CreateControllerStore() => new EtcdControllerStore(
        new EtcdContext(Etcd, cluster.Keys, Clock, Random, Loggers.CreateLogger("etcd")), Loggers.CreateLogger("routes"));
}
