using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Simulation.Tests.Engine;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>One Kubernetes cluster: its API server, its nodes, its controller manager, and the actions of an operator.</summary>
internal sealed class KubeCluster : ISimulatedCluster, IDisposable
{
    public const string Namespace = "kube-flannel";

    private const string SharedMemory = "/dev/shm";

    // So few pod CIDRs that those of deleted nodes are assigned again.
    private const string Network = "10.24.0.0/20";
    private const int PodCidrs = 16;

    private readonly DirectoryInfo folder = Directory.CreateDirectory(Path.Combine(Root, $"flannel-simulation-{Guid.NewGuid():N}"));
    private string? failure;
    private int lastNumber;

    public KubeCluster(Scheduler scheduler, int machines)
    {
        Scheduler = scheduler;
        NetConf = Path.Combine(folder.FullName, "net-conf.json");
        File.WriteAllText(NetConf, $$$"""{"Network":"{{{Network}}}","Backend":{"Type":"ali-vpc"}}""");
        Server = new KubeServerModel(new ProcessClock(scheduler, null, () => TimeSpan.Zero)) { WatchTime = scheduler.Between(60, 600) };
        Cloud = new SimulatedCloud(scheduler, []);
        Invariants = new KubeInvariants(this);
        Server.Changed += () =>
        {
            Invariants.ServerChanged();
            if (Conditions.ClusterDown) return;
            foreach (var process in Processes.ToList()) process.Kube.ServerChanged();
        };
        for (var i = 0; i < machines; i++) AddMachine();
    }

    public Scheduler Scheduler { get; }

    /// <summary>The path of the network configuration.</summary>
    public string NetConf { get; }

    public NodeAnnotations Annotations { get; } = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;

    public KubeServerModel Server { get; }

    public SimulatedCloud Cloud { get; }

    public NetworkConditions Conditions { get; } = new();

    public List<Machine> Machines { get; } = [];

    public List<KubeProcess> Processes { get; } = [];

    public KubeInvariants Invariants { get; }

    /// <summary>The Lease of the election; null if there is none.</summary>
    public KubeLease? Election => Server.Leases.FirstOrDefault(lease => lease.Name == ControllerObjects.Election(Namespace));

    public void Fail(string what) => failure ??= what;

    public void CloudWrite(SimulatedProcess process, string action) => Invariants.CloudWrite(process, action);

    public void FileWritten(SimulatedProcess process, SubnetFileState before, SubnetEnv subnetEnv) =>
        Invariants.FileWritten((KubeProcess)process, before, subnetEnv);

    public void FileRemoved(SimulatedProcess process) => Invariants.FileRemoved((KubeProcess)process);

    public void Trace(Machine machine, string what, long detail = 0) => Scheduler.Trace(machine.Name, what, detail);

    public void Run(TimeSpan until)
    {
        while (Scheduler.Now < until) Step();
    }

    public void Step()
    {
        Scheduler.Step();
        Invariants.Check();
        if (failure is not null) throw new SimulationFailure(failure);
    }

    /// <summary>A new instance. Its kubelet registers its node, and the controller manager assigns a pod CIDR after some time.</summary>
    public Machine AddMachine()
    {
        var number = ++lastNumber;
        var machine = new Machine(number, Ipv4Address.Parse($"192.168.{number / 250}.{number % 250 + 1}"), folder.FullName)
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

    public void Start(Machine machine, bool withSubnetFile)
    {
        machine.RestartPlanned = false;
        if (machine.Process is not null || !Machines.Contains(machine)) return;
        Trace(machine, withSubnetFile ? "starts" : "starts without subnet.env");
        if (!withSubnetFile) machine.SubnetFile.Remove();
        machine.ReadFile();
        var process = new KubeProcess(this, machine, Scheduler.Random.Next());
        machine.Process = process;
        Processes.Add(process);
        Invariants.ServerChanged();
        process.Start();
        Scheduler.Settle();
    }

    public void StartLater(Machine machine, TimeSpan delay, bool withSubnetFile = true)
    {
        if (machine.RestartPlanned) return;
        machine.RestartPlanned = true;
        Scheduler.After(delay, () => Start(machine, withSubnetFile));
    }

    /// <summary>The process ended; the kubelet restarts it.</summary>
    public void Ended(SimulatedProcess process, string? reason)
    {
        if (process.Machine.Process != process) return;
        Trace(process.Machine, $"ended: {reason ?? "stopped"}");
        if (reason is not null) Invariants.Ended((KubeProcess)process, reason);
        Kill((KubeProcess)process);
        StartLater(process.Machine, Scheduler.Between(0.1, 10));
    }

    /// <summary>Kills the process; nothing restarts it.</summary>
    public void Kill(KubeProcess process)
    {
        process.Kill();
        process.Machine.Process = null;
        Processes.Remove(process);
        Invariants.ServerChanged();
    }

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>In memory if possible: each write of a subnet file is flushed to the disk.</summary>
    private static string Root => Directory.Exists(SharedMemory) ? SharedMemory : Path.GetTempPath();

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
