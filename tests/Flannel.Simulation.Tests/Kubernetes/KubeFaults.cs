using System.Text;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.RouteController.Tests.Support;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>The faults of a Kubernetes cluster.</summary>
internal sealed class KubeFaults : ClusterFaults<KubeProcess>
{
    /// <summary>The next hop that an operator gives to routes of nodes.</summary>
    public const string OperatorsInstance = "i-operator";

    private const int LargestCluster = 8;

    private static readonly TimeSpan KubeletInterval = TimeSpan.FromSeconds(60);

    private readonly KubeCluster cluster;
    private readonly Scheduler scheduler;
    private readonly Action empty;
    private readonly List<InMemoryCloudApi.Entry> occupied = [];
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
            RemoveNode, RemoveNode, RecreateNode, RecreateNode, ChangeAnnotations, ChangeAnnotations, DeleteElection, DeleteStatus,
            DenyRequest, ChangeFile, ChangeFile, ChangeConditions, ChangeConditions, ChangeConfig, ChangeConfig, Exclude, Exclude, Include,
            DeleteRoute, ChangeNextHop, OccupyDestination,
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
        cluster.WriteConfigMap(cluster.Configurations.Usual, atMost: 0);
        RegisterNodes();
        foreach (var node in cluster.Server.Nodes.Where(KubeCluster.IsExcluded)) cluster.SetExcluded(node, isExcluded: false);
        foreach (var node in cluster.Server.Nodes.Where(node => !cluster.Machines.Exists(machine => machine.Name == node.Name)).ToList())
            cluster.DeleteNode(node.Name);
        foreach (var entry in occupied.ToList()) Vacate(entry);
        if (isRestored) RemoveRoutesOfLostCluster();
    }

    protected override void Repair(KubeProcess process) => process.Kube.AllowAll();

    /// <summary>A node that started with backend alloc keeps it until it restarts.</summary>
    protected override void RestartProcesses()
    {
        foreach (var process in cluster.Processes.Where(process => process.MayUseAlloc).ToList()) process.Stop();
    }

    protected override void RestartStore() => cluster.Server.Restart();

    protected override ClusterId? ReadClusterId() =>
        cluster.Server.Leases.FirstOrDefault(lease => lease.Name == ControllerObjects.Cluster(KubeCluster.Namespace))
            ?.Annotations.Values.Select(value => ClusterId.ParseJson(Encoding.UTF8.GetBytes(value))).FirstOrDefault(id => id is not null);

    protected override IEnumerable<LeasedRoute> LeasedRoutes()
    {
        foreach (var node in cluster.Server.Nodes)
        {
            var instance = cluster.Machines.Find(machine => machine.Name == node.Name)?.Instance;
            foreach (var destination in KubeCluster.DestinationsOf(node)) yield return new LeasedRoute(destination, instance);
        }
    }

    protected override void ChangeTable(Action change) => cluster.Invariants.ChangeTable(change);

    protected override bool IsOfOthers(InMemoryCloudApi.Entry entry) => cluster.OtherRoutes.Contains(entry);

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
        var time = RandomDuration();
        cluster.Invariants.AllowLag(time + TimeSpan.FromSeconds(30));
        scheduler.After(time, cluster.Server.ThawCache);
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
        var former = cluster.Server.Nodes.SelectMany(SubnetsOf).ToList();
        backup();
        cluster.Invariants.Taken(former.Except(cluster.Server.Nodes.SelectMany(SubnetsOf)).Select(each => each.Subnet));
        scheduler.After(RandomDuration(), RegisterNodes);

        static IEnumerable<(string Node, string Subnet)> SubnetsOf(KubeNode node) =>
            KubeCluster.DestinationsOf(node).Select(subnet => (node.Name, subnet));
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
        // One that can be the route controller stays.
        if (!cluster.Machines.Exists(other => other != machine && other is { MayControl: true, HasCredentials: true })) return;
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

    /// <summary>Another program removes the annotations of flannel, or some of them, or overwrites one.</summary>
    private void ChangeAnnotations()
    {
        if (cluster.Conditions.ClusterDown) return;
        var machine = Any(cluster.Machines);
        if (cluster.NodeOf(machine) is not { Annotations.Count: > 0 } node) return;
        cluster.Trace(machine, "has its annotations changed");
        KubeInvariants.MarkDisturbed(machine, "its annotations were changed");
        var changed = node.Annotations.ToDictionary();
        if (scheduler.Chance(0.5)) changed.Clear();
        else if (scheduler.Chance(0.5)) changed.Remove(Any([.. changed.Keys]));
        else changed[Any([.. changed.Keys])] = "";
        cluster.Server.ChangeNode(node.Name, found => found with { Annotations = changed });
    }

    private void ChangeConfig() => cluster.WriteConfigMap(cluster.Configurations.Any(scheduler.Random), atMost: 90);

    /// <summary>Another tool owns the routes of a node from now on.</summary>
    private void Exclude()
    {
        if (cluster.Conditions.ClusterDown || cluster.NodeOf(Any(cluster.Machines)) is not { } node) return;
        cluster.SetExcluded(node, isExcluded: true);
    }

    private void Include()
    {
        if (cluster.Conditions.ClusterDown || cluster.Server.Nodes.FirstOrDefault(KubeCluster.IsExcluded) is not { } node) return;
        cluster.SetExcluded(node, isExcluded: false);
    }

    /// <summary>An operator deletes the route of a node.</summary>
    private void DeleteRoute()
    {
        if (AnyRoute() is not { } entry) return;
        scheduler.Trace("operator", $"deletes the route {entry.Destination}");
        ChangeTable(() => Routes.Remove(entry));
    }

    /// <summary>An operator gives the route of a node another next hop.</summary>
    private void ChangeNextHop()
    {
        if (AnyRoute() is not { } entry) return;
        scheduler.Trace("operator", $"changes the next hop of {entry.Destination}");
        ChangeTable(() => entry.Hop = entry.Hop with { Id = OperatorsInstance });
    }

    /// <summary>Another cluster or a VPN gateway has a route for a podCIDR for some time.</summary>
    private void OccupyDestination()
    {
        var destination = cluster.Configurations.PodCidrsOf(scheduler.Random.Next(KubeConfigurations.PodCidrs), isIpv6First: false)[0];
        var isGateway = scheduler.Chance(0.5);
        InMemoryCloudApi.Entry? added = null;
        ChangeTable(() => added = cluster.OtherRoutes.Occupy(destination, isGateway));
        if (added is not { } entry) return;
        scheduler.Trace("operator", $"occupies {destination}");
        occupied.Add(entry);
        scheduler.After(RandomDuration(), () => Vacate(entry));
    }

    private void Vacate(InMemoryCloudApi.Entry entry)
    {
        if (!occupied.Remove(entry)) return;
        scheduler.Trace("operator", $"vacates {entry.Destination}");
        ChangeTable(() => cluster.OtherRoutes.Remove(entry));
    }

    private List<InMemoryCloudApi.Entry> Routes => cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries;

    private InMemoryCloudApi.Entry? AnyRoute()
    {
        var own = Routes.Where(entry => entry.Status == RouteEntryStatus.Available && !IsOfOthers(entry)).ToList();
        return own.Count == 0 ? null : Any(own);
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
