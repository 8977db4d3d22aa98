using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.RouteController.Planning;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Conditions that must hold after every step of a Kubernetes cluster.</summary>
internal sealed class KubeInvariants : ClusterInvariants<KubeProcess>
{
    /// <summary>The time within which a process that can reach the API server must notice that it has lost its subnet: a watch that became
    /// silent, the back-off, and a request that times out.</summary>
    public static readonly TimeSpan NoticeLimit = TimeSpan.FromSeconds(300);

    /// <summary>A route controller knows the nodes as they were this long before: events are delayed, and so are its own calls.</summary>
    private static readonly TimeSpan UsualLag = TimeSpan.FromSeconds(30);

    /// <summary>The same if its watch became silent, or if its requests fail.</summary>
    private static readonly TimeSpan LongestLag = TimeSpan.FromSeconds(300);

    private readonly KubeCluster cluster;
    private readonly HashSet<AvailableRoute> available = [];
    private readonly HashSet<string> endedSubnets = [];
    private readonly HashSet<string> takenSubnets = [];
    private readonly Dictionary<string, string> routesOfUsable = [];
    private readonly Dictionary<string, TimeSpan> excludedSince = [];
    private readonly Dictionary<(string Subnet, string Instance), TimeSpan> lastLeased = [];
    private Dictionary<string, string> entries;
    private TimeSpan lagsUntil;

    public KubeInvariants(KubeCluster cluster) : base(cluster)
    {
        this.cluster = cluster;
        entries = ReadEntries();
    }

    /// <summary>Until the next renewal of the first one fails.</summary>
    protected override TimeSpan TwoControllers => TimeSpan.FromSeconds(15);

    public override void StoreChanged()
    {
        base.StoreChanged();
        RecordLeases();
        foreach (var node in cluster.Server.Nodes)
        {
            if (cluster.StatusOf(node) is { State: RouteState.Available } status)
                available.Add(new AvailableRoute(node.Uid, status.Subnet, status.InstanceId));
        }
    }

    /// <summary>An action ends a lease: its routes may be deleted.</summary>
    public void LeaseEnds(KubeNode node) => endedSubnets.UnionWith(KubeCluster.DestinationsOf(node));

    /// <summary>A restore took subnets from their node: a route may lead to another node that gets its subnet.</summary>
    public void Taken(IEnumerable<string> subnets) => takenSubnets.UnionWith(subnets);

    /// <summary>An action after which the machine may lose its lease.</summary>
    public static void MarkDisturbed(Machine machine, string reason)
    {
        machine.UsableSince = null;
        if (machine.Process is KubeProcess process) process.LeaseDisturbance = reason;
    }

    /// <summary>The API server was restored: a route may lead to a node that it does not have, or has with another pod CIDR.</summary>
    public void Restored() => routesOfUsable.Clear();

    /// <summary>An operator changes the route table.</summary>
    public void ChangeTable(Action change)
    {
        CheckEntries();
        change();
        entries = ReadEntries();
        foreach (var machine in cluster.Machines)
        {
            if (machine.SubnetInFile is { } subnet && !HasRoute(machine, subnet.ToString())) routesOfUsable.Remove(machine.Name);
        }
    }

    /// <summary>Whether the table has the route of a subnet to an instance.</summary>
    public bool HasRoute(Machine machine, string destination) => entries.GetValueOrDefault(destination) == HopOf(machine);

    /// <summary>The age of the nodes that a route controller may know.</summary>
    private TimeSpan Lag => Now < lagsUntil ? LongestLag : UsualLag;

    /// <summary>For this time the watches of the nodes may lag behind.</summary>
    public void AllowLag(TimeSpan time) => lagsUntil = Now + time > lagsUntil ? Now + time : lagsUntil;

    private static string HopOf(Machine machine) => machine.Instance;

    private Dictionary<string, string> ReadEntries() =>
        cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries.GroupBy(entry => entry.Destination)
            .ToDictionary(same => same.Key, same => same.Last().Hop.Id);

    /// <summary>A process publishes a subnet only after the controller has reported the route of this node as available. A process that
    /// started with backend alloc needs no route.</summary>
    protected override void CheckRoute(KubeProcess process, Ipv4Network subnet)
    {
        if (process.MayUseAlloc) return;
        if (cluster.NodeOf(process.Machine) is not { } node || KubeCluster.SubnetOf(node) != subnet) return;
        if (!available.Contains(new AvailableRoute(node.Uid, subnet.ToString(), process.Machine.Instance)))
            cluster.Fail($"{process.Machine.Name} publishes {subnet}, and no route of node {node.Uid} was ever available");
    }

    /// <summary>Whether the node says that the machine may use the subnet that its file names.</summary>
    protected override bool IsUsable(Machine machine) =>
        machine.SubnetInFile is { } subnet && cluster.NodeOf(machine) is { } node && IsHeld(machine, node, subnet)
        && (machine.Process?.Published == subnet || FitsConfig(machine, node))
        && cluster.StatusOf(node) is { State: RouteState.Available } status && status.IsFor(subnet, machine.Instance);

    /// <summary>Whether a process that starts now may use the subnets of the node.</summary>
    private bool FitsConfig(Machine machine, KubeNode node) =>
        cluster.ConfigOf(machine) is { BackendType: FlannelContract.AliVpcBackend } config
        && KubeCluster.SubnetOf(node) is { } subnet && config.Network.Contains(subnet);

    private bool IsHeld(Machine machine, KubeNode node, Ipv4Network subnet) =>
        KubeCluster.SubnetOf(node) == subnet && cluster.Annotations.IsManaged(node)
        && AliVpcBackendData.Parse(cluster.Annotations.Find(node)?.BackendData)?.InstanceId == machine.Instance;

    /// <summary>A process that uses a subnet holds it, or notices soon that it does not. Without the API server it keeps what it
    /// has.</summary>
    protected override void CheckHolding(KubeProcess process)
    {
        var isHeld = process.Subnet is not { } subnet
            || (cluster.NodeOf(process.Machine) is { } node && KubeCluster.SubnetOf(node) == subnet);
        if (isHeld) process.NoticeDeadline = null;
        else if (process.NoticeDeadline is null || !CanNotice(process)) process.NoticeDeadline = Now + NoticeLimit;
        if (Now > process.NoticeDeadline)
            cluster.Fail($"{process.Machine.Name} uses {process.Subnet}, which its node has not had for {NoticeLimit}");
    }

    /// <summary>The process may not have received the present route status yet.</summary>
    protected override bool MayRemove(KubeProcess process, Ipv4Network subnet) => Now - process.Machine.UsableSince <= Lag;

    protected override bool MustHold(KubeProcess process) => process.NoticeDeadline is null;

    protected override bool HoldsElection(KubeProcess process) =>
        cluster.Election?.HolderIdentity.StartsWith($"{process.Machine.Name}_", StringComparison.Ordinal) == true;

    protected override void CheckStore()
    {
        var mayLag = cluster.Conditions.WatchSilent > 0 || cluster.Conditions.HasRequestFaults
            || cluster.Processes.Exists(process => process.Kube.HasDeniedRequests || process.Context.IsPaused);
        if (mayLag) AllowLag(LongestLag);
        RecordExclusions();
        RecordLeases();
        CheckEntries();
        if (cluster.OtherRoutes.FindChanged() is { } changed) cluster.Fail($"a route of others was changed or deleted: {changed}");
    }

    /// <summary>A route is created or updated only for a lease that the API server has, or had just before.</summary>
    private void CheckNewRoute(string subnet, string hop)
    {
        if (MayHaveTwoControllers || (lastLeased.TryGetValue((subnet, hop), out var at) && Now - at <= Lag)) return;
        cluster.Fail($"the route {subnet} to {hop} was created, and no node has had this lease for {Lag}");
    }

    private void RecordLeases()
    {
        foreach (var node in cluster.Server.Nodes)
        {
            if (KubeCluster.IsExcluded(node)) continue;
            if (AliVpcBackendData.Parse(cluster.Annotations.Find(node)?.BackendData)?.InstanceId is not { } instance) continue;
            foreach (var destination in KubeCluster.DestinationsOf(node)) lastLeased[(destination, instance)] = Now;
        }
    }

    private void RecordExclusions()
    {
        var excluded = cluster.Server.Nodes.Where(KubeCluster.IsExcluded).SelectMany(KubeCluster.DestinationsOf)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var subnet in excludedSince.Keys.Where(subnet => !excluded.Contains(subnet)).ToList()) excludedSince.Remove(subnet);
        foreach (var subnet in excluded) excludedSince.TryAdd(subnet, Now);
    }

    private bool CanNotice(KubeProcess process) =>
        !process.Connection.IsIsolated && !cluster.Conditions.ClusterDown && !process.Context.IsPaused && !process.Kube.HasDeniedRequests
        && !cluster.Conditions.HasRequestFaults;

    /// <summary>A route is deleted or re-pointed only after an action has ended its lease, and never while its node uses it.</summary>
    private void CheckEntries()
    {
        var before = entries;
        entries = ReadEntries();
        foreach (var (subnet, hop) in entries)
        {
            if (before.GetValueOrDefault(subnet) != hop) CheckNewRoute(subnet, hop);
        }

        foreach (var (subnet, hop) in before)
        {
            if (hop == KubeFaults.OperatorsInstance) continue;
            var now = entries.GetValueOrDefault(subnet);
            var isMoved = now is not null && takenSubnets.Contains(subnet);
            if (now != hop && !isMoved && !endedSubnets.Contains(subnet))
                cluster.Fail($"the route {subnet} to {hop} was deleted or changed, and nothing ended its lease");
        }

        foreach (var (subnet, since) in excludedSince)
        {
            if (Now - since > Lag && before.GetValueOrDefault(subnet) != entries.GetValueOrDefault(subnet))
                cluster.Fail($"the route {subnet} of a node that has been excluded for {Now - since} was created, deleted or changed");
        }

        foreach (var machine in cluster.Machines)
        {
            if (machine.UsableSince is null || machine.SubnetInFile is not { } subnet)
            {
                routesOfUsable.Remove(machine.Name);
                continue;
            }

            if (HasRoute(machine, subnet.ToString())) routesOfUsable[machine.Name] = subnet.ToString();
            else if (routesOfUsable.GetValueOrDefault(machine.Name) == subnet.ToString())
                cluster.Fail($"the route {subnet} of {machine.Name} was deleted or changed while the node uses it");
        }
    }

    private sealed record AvailableRoute(string NodeUid, string Subnet, string Instance);
}
