using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
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

    private const string ExclusionLabel = "service.alibabacloud.com/exclude-node";

    private string configMap;
    private int lastNumber;

    public KubeCluster(Scheduler scheduler, int machines, bool isDualStack = false) : base(scheduler)
    {
        IsDualStack = isDualStack;
        Configurations = new KubeConfigurations(isDualStack);
        configMap = Configurations.Usual;
        Server = new KubeServerModel(new ProcessClock(scheduler, null, () => TimeSpan.Zero)) { WatchTime = scheduler.Between(60, 600) };
        Cloud = new SimulatedCloud(scheduler, []);
        OtherRoutes = new OtherRoutes(Cloud);
        OtherRoutes.AddPermanent();
        Invariants = new KubeInvariants(this);
        Server.Changed += NotifyProcesses;
        for (var i = 0; i < machines; i++) AddMachine();
    }

    /// <summary>Every node has a podCIDR of each family, and every machine an IPv6 address.</summary>
    public bool IsDualStack { get; }

    public KubeConfigurations Configurations { get; }

    public NodeAnnotations Annotations { get; } = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;

    public KubeServerModel Server { get; }

    public override SimulatedCloud Cloud { get; }

    public OtherRoutes OtherRoutes { get; }

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
        WriteNetConf(machine);
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

    /// <summary>The path of the network configuration on a node.</summary>
    public string NetConfOf(Machine machine) => Path.Combine(Folder, $"{machine.Name}-net-conf.json");

    /// <summary>The network configuration that a process on this node reads now; null without a valid one.</summary>
    public NetworkConfig? ConfigOf(Machine machine) =>
        NetworkConfigParser.Parse(File.ReadAllBytes(NetConfOf(machine))) is { Ok: true, Value: var config } ? config : null;

    public bool HasAlloc(Machine machine) => ConfigOf(machine) is { BackendType: FlannelContract.AllocBackend };

    /// <summary>An operator changes the ConfigMap. The kubelet of each node replaces its file some time later.</summary>
    /// <param name="atMost">The longest such time, in seconds.</param>
    public void WriteConfigMap(string content, double atMost)
    {
        Scheduler.Trace("operator", $"writes {content}");
        configMap = content;
        foreach (var machine in Machines) Scheduler.After(Scheduler.Between(0, atMost), () => WriteNetConf(machine));
    }

    public static bool IsExcluded(KubeNode node) => node.Labels.ContainsKey(ExclusionLabel);

    /// <summary>An operator adds or removes the label of a node whose routes another tool owns.</summary>
    public void SetExcluded(KubeNode node, bool isExcluded)
    {
        Scheduler.Trace("operator", $"{(isExcluded ? "excludes" : "includes")} {node.Name}");
        var others = node.Labels.Where(pair => pair.Key != ExclusionLabel).ToDictionary();
        if (isExcluded) others[ExclusionLabel] = "";
        Server.ChangeNode(node.Name, found => found with { Labels = others });
    }

    /// <summary>The destinations of the routes of a node.</summary>
    public static IEnumerable<string> DestinationsOf(KubeNode node) => PodCidrs.Find(node) switch
    {
        { Ipv6Subnet: { } ipv6, Subnet: var subnet } => [subnet.ToString(), ipv6.ToString()],
        { Subnet: var subnet } => [subnet.ToString()],
        null => [],
    };

    public KubeNode? NodeOf(Machine machine) => Server.Nodes.FirstOrDefault(node => node.Name == machine.Name);

    /// <summary>The IPv4 podCIDR of a node; null without one.</summary>
    public static Ipv4Network? SubnetOf(KubeNode node) => PodCidrs.Find(node)?.Subnet;

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
        Invariants.LeaseEnds(node);
        if (Machines.Find(machine => machine.Name == node.Name) is { } machine)
            KubeInvariants.MarkDisturbed(machine, "its lease was ended");
    }

    protected override KubeProcess NewProcess(Machine machine, int seed) => new(this, machine, seed);

    /// <summary>The controller manager assigns a pod CIDR that no node has.</summary>
    private void AssignPodCidr(Machine machine)
    {
        if (NodeOf(machine) is not { PodCidrs.Count: 0 }) return;
        var used = Server.Nodes.SelectMany(node => node.PodCidrs).ToHashSet(StringComparer.Ordinal);
        var free = Enumerable.Range(0, KubeConfigurations.PodCidrs)
            .Select(number => Configurations.PodCidrsOf(number, IsDualStack && Scheduler.Chance(0.3)))
            .Where(cidrs => !cidrs.Any(used.Contains)).ToList();
        if (free.Count == 0) return;
        var podCidrs = free[Scheduler.Random.Next(free.Count)];
        Trace(machine, $"has the podCIDRs {string.Join(' ', podCidrs)}");
        Server.ChangeNode(machine.Name, node => node with { PodCidrs = podCidrs });
    }

    private void WriteNetConf(Machine machine)
    {
        File.WriteAllText(NetConfOf(machine), configMap);
        if (machine.Process is KubeProcess process) process.MayUseAlloc |= HasAlloc(machine);
    }
}
