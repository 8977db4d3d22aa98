using System.Text;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>The faults of a Kubernetes cluster.</summary>
internal sealed class KubeFaults : ClusterFaults<KubeProcess>
{
    private const int LargestCluster = 8;

    private static readonly TimeSpan KubeletInterval = TimeSpan.FromSeconds(60);

    private readonly KubeCluster cluster;
    private readonly Scheduler scheduler;
    private readonly Action empty;
    private Action? restore;
    private bool isRestored;

    public KubeFaults(KubeCluster cluster) : base(cluster)
    {
        this.cluster = cluster;
        scheduler = cluster.Scheduler;
        empty = cluster.Server.Backup();
        Choose(
        [
            .. Common, RestartServer, StopServer, Expire, FreezeCache, TakeBackup, TakeBackup, Restore, Empty, CloudOutage, AddNode,
            RemoveNode, RemoveNode, RecreateNode, RecreateNode, ReleaseNode, DeleteElection, DeleteStatus, DenyRequest, ChangeFile,
            ChangeFile, ChangeConditions, ChangeConditions,
        ]);
    }

    public override void Begin()
    {
        WriteAsKubelets();
        Begin(cluster.Machines);
    }

    protected override void RepairStore()
    {
        StartStore();
        cluster.Server.ThawCache();
        RegisterNodes();
        foreach (var node in cluster.Server.Nodes.Where(node => !cluster.Machines.Exists(machine => machine.Name == node.Name)).ToList())
            cluster.DeleteNode(node.Name);
        if (isRestored) RemoveRoutesOfLostCluster();
    }

    protected override void Repair(KubeProcess process) => process.Kube.AllowAll();

    protected override void RestartStore() => cluster.Server.Restart();

    protected override ClusterId? ReadClusterId() =>
        cluster.Server.Leases.FirstOrDefault(lease => lease.Name == ControllerObjects.Cluster(KubeCluster.Namespace))
            ?.Annotations.Values.Select(value => ClusterId.ParseJson(Encoding.UTF8.GetBytes(value))).FirstOrDefault(id => id is not null);

    protected override IEnumerable<LeasedRoute> LeasedRoutes() => cluster.Server.Nodes.Where(node => KubeCluster.SubnetOf(node) is not null)
        .Select(node => new LeasedRoute(
            KubeCluster.SubnetOf(node)!.Value.ToString(), cluster.Machines.Find(machine => machine.Name == node.Name)?.Instance));

    protected override void OnRoutesRemoved() => cluster.Invariants.TableChanged();

    protected override void ChangeStoreConditions()
    {
        cluster.Conditions.Overloaded = RandomProbability(0.3);
        cluster.Conditions.StaleCache = RandomProbability(0.5);
    }

    /// <summary>Kubelets write the status of their nodes, and other objects are written.</summary>
    private void WriteAsKubelets()
    {
        scheduler.After(KubeletInterval, WriteAsKubelets);
        if (cluster.Conditions.ClusterDown) return;
        foreach (var node in cluster.Server.Nodes) cluster.Server.TouchNode(node.Name);
        cluster.Server.WriteAnotherObject();
    }

    /// <summary>The API server restarts without an interruption that clients notice otherwise.</summary>
    private void RestartServer()
    {
        scheduler.Trace("server", "restarts");
        cluster.Server.Restart();
    }

    private void StopServer() => StopStore(RandomDuration());

    private void Expire()
    {
        scheduler.Trace("server", "drops its history");
        cluster.Server.Expire();
    }

    private void FreezeCache()
    {
        scheduler.Trace("server", "has a stale cache");
        cluster.Server.FreezeCache();
        scheduler.After(RandomDuration(), cluster.Server.ThawCache);
    }

    private void TakeBackup() => restore = cluster.Server.Backup();

    private void Restore()
    {
        if (restore is not null) Restore(restore);
    }

    /// <summary>The backup of the first day: without annotations and Leases.</summary>
    private void Empty() => Restore(empty);

    /// <summary>The API server has older objects. Kubelets without a node register again after some time.</summary>
    private void Restore(Action backup)
    {
        scheduler.Trace("operator", "restores a backup");
        isRestored = true;
        cluster.Invariants.AllowTwoControllers();
        cluster.Invariants.Restored();
        foreach (var machine in cluster.Machines) KubeInvariants.MarkDisturbed(machine, "the API server was restored");
        backup();
        scheduler.After(RandomDuration(), RegisterNodes);
    }

    private void RegisterNodes()
    {
        if (cluster.Conditions.ClusterDown) return;
        foreach (var machine in cluster.Machines) cluster.RegisterNode(machine, TimeSpan.Zero);
    }

    private void AddNode()
    {
        if (cluster.Conditions.ClusterDown || cluster.Machines.Count >= LargestCluster) return;
        cluster.StartLater(cluster.AddMachine(), RandomDuration());
    }

    /// <summary>The instance is released, and its node is deleted; before it or after it.</summary>
    private void RemoveNode()
    {
        if (cluster.Conditions.ClusterDown || cluster.Machines.Count < 3) return;
        var machine = Any(cluster.Machines);
        cluster.Trace(machine, "is released");
        cluster.Machines.Remove(machine);
        if (machine.Process is KubeProcess process) cluster.Kill(process);
        scheduler.After(scheduler.Chance(0.5) ? TimeSpan.Zero : RandomDuration(), () =>
        {
            if (!HasEnded) cluster.DeleteNode(machine.Name);
        });
    }

    /// <summary>An operator deletes the node of a running machine. Its kubelet registers it again.</summary>
    private void RecreateNode()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        cluster.DeleteNode(machine.Name);
        scheduler.After(scheduler.Chance(0.5) ? TimeSpan.Zero : RandomDuration(), () =>
        {
            if (!HasEnded && !cluster.Conditions.ClusterDown && cluster.Machines.Contains(machine))
                cluster.RegisterNode(machine, scheduler.Chance(0.5) ? TimeSpan.Zero : scheduler.Between(0, 30));
        });
    }

    /// <summary>Another program removes the annotations of flannel.</summary>
    private void ReleaseNode()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        if (cluster.NodeOf(machine) is not { } node || !cluster.Annotations.IsManaged(node)) return;
        cluster.Trace(machine, "loses its annotations");
        cluster.EndLease(node);
        cluster.Server.ChangeNode(node.Name, found => found with { Annotations = new Dictionary<string, string>() });
    }

    private void DeleteStatus()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        if (cluster.NodeOf(machine) is not { } node) return;
        cluster.Trace(machine, "loses its route status");
        KubeInvariants.MarkDisturbed(machine, "its route status was deleted");
        cluster.Server.ChangeNode(node.Name, found => found with
        {
            Annotations = found.Annotations.Where(pair => pair.Key != cluster.Annotations.RouteStatus).ToDictionary(),
        });
    }

    private void DeleteElection()
    {
        if (cluster.Conditions.ClusterDown || cluster.Election is not { } election) return;
        scheduler.Trace("operator", "deletes the Lease of the election");
        cluster.Invariants.AllowTwoControllers();
        cluster.Server.DeleteLease(election.Name);
    }

    /// <summary>RBAC denies one request of a process for some time.</summary>
    private void DenyRequest()
    {
        if (AnyProcess() is not { } process) return;
        var access = Any(ModelAccount.Everything);
        cluster.Trace(process.Machine, $"may not {access.Verb} {access.Resource}");
        process.Kube.Deny(access);
        scheduler.After(RandomDuration(), process.Kube.AllowAll);
    }
}
