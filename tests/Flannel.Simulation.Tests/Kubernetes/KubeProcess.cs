using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Registry;
using Flannel.Simulation.Tests.Engine;
using Flanneld.Clients;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One process of <c>flanneld</c> with <c>--kube-subnet-mgr</c>.</summary>
internal sealed class KubeProcess : SimulatedProcess
{
    private readonly KubeCluster cluster;
    private readonly KubeControllerContext context;
    private readonly NetConfFile netConf;

    public KubeProcess(KubeCluster cluster, Machine machine, int seed) : base(cluster, machine, seed, KubeException.ManagerName)
    {
        this.cluster = cluster;
        Kube = new SimulatedKube(this, cluster);
        context = new KubeControllerContext(
            new KubeContext(Kube, cluster.Annotations, Clock, Random, Loggers.CreateLogger("kubernetes")), KubeCluster.Namespace);
        MayUseAlloc = cluster.HasAlloc(machine);
        netConf = new NetConfFile(cluster.NetConfOf(machine), Clock);
    }

    public SimulatedKube Kube { get; }

    /// <summary>Whether a configuration with backend alloc was in its file: a process with that backend needs no route.</summary>
    public bool MayUseAlloc { get; set; }

    protected override IpAddress? Ipv6Address => cluster.IsDualStack ? Machine.Ipv6Address : null;

    public override SimulatedConnection Connection => Kube.Connection;

    protected override ISubnetManager CreateSubnetManager(LivenessMonitor loops) => new KubeSubnetManager(
        context.Kube, netConf, new KubeElectionReader(context), new KubeSubnetManagerOptions { NodeName = Machine.Name });

    protected override IControllerStore CreateControllerStore() =>
        new KubeControllerStore(context, Machine.Name, netConf, Loggers.CreateLogger("routes"));
}
