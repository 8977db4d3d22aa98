using Flannel.Core;
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
    private readonly KubeControllerContext context;
    private readonly NetConfFile netConf;

    public KubeProcess(KubeCluster cluster, Machine machine, int seed) : base(cluster, machine, seed, KubeException.ManagerName)
    {
        Kube = new SimulatedKube(machine.Name, cluster.Scheduler, Context, cluster.Server, cluster.Conditions);
        context = new KubeControllerContext(
            new KubeContext(Kube, cluster.Annotations, Clock, Random, Loggers.CreateLogger("kubernetes")), KubeCluster.Namespace);
        netConf = new NetConfFile(cluster.NetConf, Clock);
        if (machine.IsIsolated) Kube.Isolate();
    }

    public SimulatedKube Kube { get; }

    /// <summary>An action of another party on its lease; without one the lease must not be lost.</summary>
    public string? LeaseDisturbance { get; set; }

    /// <summary>The time by which the process must notice that it has lost its subnet; null while it holds it.</summary>
    public TimeSpan? NoticeDeadline { get; set; }

    protected override void CloseConnections() => Kube.CloseConnections();

    protected override ISubnetManager CreateSubnetManager(LivenessMonitor loops) => new KubeSubnetManager(
        context.Kube, netConf, new KubeElectionReader(context), new KubeSubnetManagerOptions { NodeName = Machine.Name });

    protected override IControllerStore CreateControllerStore() =>
        new KubeControllerStore(context, Machine.Name, netConf, Loggers.CreateLogger("routes"));
}
