using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One Kubernetes cluster: its API server, its nodes, its controller manager, and the actions of an operator.</summary>
internal sealed class KubeCluster : SimulatedCluster<KubeProcess>
{
    public const string Namespace = "kube-flannel";

    // So few pod CIDRs that those of deleted nodes are assigned again.
    private const string Network = "10.24.0.0/20";
    private const int PodCidrs = 16;

    private int lastNumber;

    public KubeCluster(Scheduler scheduler, int machines) : base(scheduler)
    {
        NetConf = Path.Combine(Folder, "net-conf.json");
        File.WriteAllText(NetConf, $$$"""{"Network":"{{{Network}}}","Backend":{"Type":"ali-vpc"}}""");
        Server = new KubeServerModel(new ProcessClock(scheduler, null, () => TimeSpan.Zero)) { WatchTime = scheduler.Between(60, 600) };
        Cloud = new SimulatedCloud(scheduler, []);
        Invariants = new KubeInvariants(this);
        Server.Changed += NotifyProcesses;
        for (var i = 0; i < machines; i++) AddMachine();
    }

    /// <summary>The path of the network configuration.</summary>
    public string NetConf { get; }

    public NodeAnnotations Annotations { get; } = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;

    public KubeServerModel Server { get; }

    public override SimulatedCloud Cloud { get; }

    public KubeInvariants Invariants { get; }

    /// <summary>The Lease of the election; null if there is none.</summary>
    public KubeLease? Election => Server.Leases.FirstOrDefault(lease => lease.Name == ControllerObjects.Election(Namespace));

    protected override ClusterInvariants<KubeProcess> Rules => Invariants;

    protected override double LongestRestart => 10;

    /// <summary>A new instance. Its kubelet registers its node, and the controller manager assigns a pod CIDR after some time.</summary>
    public Machine AddMachine()
    {
        var number = ++lastNumber;
        var machine = new Machine(number, Ipv4Address.Parse($"192.168.{number / 250}.{number % 250 + 1}"), Folder)
        {
            MayControl = number % 6 != 3,
            HasCredentials = number % 6 != 0,
        };
        Machines.Add(machine);
        Cloud.Add(machine);
        RegisterNode(machine, Scheduler.Chance(0.7) ? TimeSpan.Zero : Scheduler.Between(0, 60));
        return machine;
    }

    /// <summary>The kubelet registers its node unless it exists.</summary>
    /// <param name="podCidrAfter">When the controller manager assigns a pod CIDR.</param>
    public void RegisterNode(Machine machine, TimeSpan podCidrAfter)
    {
        if (NodeOf(machine) is null)
        {
            Trace(machine, "is registered");
            Server.CreateNode(new KubeNode(machine.Name, "", "") { ProviderId = $"cn-hangzhou.{machine.Instance}" });
        }

        if (podCidrAfter == TimeSpan.Zero) AssignPodCidr(machine);
        else Scheduler.After(podCidrAfter, () => AssignPodCidr(machine));
    }

    public KubeNode? NodeOf(Machine machine) => Server.Nodes.FirstOrDefault(node => node.Name == machine.Name);

    /// <summary>The pod CIDR of a node; null without one.</summary>
    public static Ipv4Network? SubnetOf(KubeNode node) => node.PodCidrs is [var first, ..] ? Ipv4Network.Parse(first) : null;

    /// <summary>The route status that the node has of the route controller; null without one.</summary>
    public RouteStatus? StatusOf(KubeNode node) => KubeRouteStatus.Read(node, Annotations)?.Status;

    /// <summary>An operator or a cloud controller deletes a node.</summary>
    public void DeleteNode(string name)
    {
        if (Server.Nodes.FirstOrDefault(found => found.Name == name) is not { } node) return;
        Scheduler.Trace("operator", $"deletes {name}");
        EndLease(node);
        Server.DeleteNode(name);
    }

    /// <summary>An action that ends the lease of a node: its route may be deleted.</summary>
    public void EndLease(KubeNode node)
    {
        if (SubnetOf(node) is { } subnet) Invariants.LeaseEnds(subnet);
        if (Machines.Find(machine => machine.Name == node.Name) is { } machine)
            KubeInvariants.MarkDisturbed(machine, "its lease was ended");
    }

    protected override KubeProcess NewProcess(Machine machine, int seed) => new(this, machine, seed);

    /// <summary>The controller manager assigns a pod CIDR that no node has.</summary>
    private void AssignPodCidr(Machine machine)
    {
        if (NodeOf(machine) is not { PodCidrs.Count: 0 }) return;
        var used = Server.Nodes.SelectMany(node => node.PodCidrs).ToHashSet(StringComparer.Ordinal);
        var free = Enumerable.Range(0, PodCidrs).Select(i => $"10.24.{i}.0/24").Where(cidr => !used.Contains(cidr)).ToList();
        if (free.Count == 0) return;
        var podCidr = free[Scheduler.Random.Next(free.Count)];
        Trace(machine, $"has the pod CIDR {podCidr}");
        Server.ChangeNode(machine.Name, node => node with { PodCidrs = [podCidr] });
    }
}
