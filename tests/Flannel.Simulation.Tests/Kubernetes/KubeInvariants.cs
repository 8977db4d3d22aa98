using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.RouteController.Planning;
using Flannel.Simulation.Tests.Engine;
using Flanneld.Host;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>Conditions that must hold after every step of a Kubernetes cluster.</summary>
internal sealed class KubeInvariants(KubeCluster cluster)
{
    /// <summary>The time within which a process that can reach the API server must notice that it has lost its subnet: a watch that became
    /// silent, the back-off, and a request that times out.</summary>
    public static readonly TimeSpan NoticeLimit = TimeSpan.FromSeconds(300);

    // Limits for one process that retries and one pass of the controller per second.
    private const int RequestsAtOnce = 100;
    private const int RequestsPerSecond = 8;

    // An event arrives after some seconds, and waits for the end of the preceding request.
    private static readonly TimeSpan EventDelay = TimeSpan.FromSeconds(30);

    /// <summary>After another party has ended a term: until the next renewal fails, two controllers may act.</summary>
    private static readonly TimeSpan TwoControllers = TimeSpan.FromSeconds(15);

    private readonly HashSet<AvailableRoute> available = [];
    private readonly HashSet<string> endedSubnets = [];
    private readonly Dictionary<string, string> routesOfUsable = [];
    private Dictionary<string, string> entries = [];
    private bool serverChanged = true;
    private TimeSpan twoControllersAllowedUntil;
    private TimeSpan nextCheck;

    /// <summary>The objects or the set of running processes have changed.</summary>
    public void ServerChanged()
    {
        serverChanged = true;
        foreach (var node in cluster.Server.Nodes)
        {
            if (cluster.StatusOf(node) is { State: RouteState.Available } status)
                available.Add(new AvailableRoute(node.Uid, status.Subnet, status.InstanceId));
        }
    }

    /// <summary>An action ends the lease of a subnet: its route may be deleted.</summary>
    public void LeaseEnds(Ipv4Network subnet) => endedSubnets.Add(subnet.ToString());

    /// <summary>An action after which the machine may lose its lease.</summary>
    public static void MarkDisturbed(Machine machine, string reason)
    {
        machine.UsableSince = null;
        if (machine.Process is KubeProcess process) process.LeaseDisturbance = reason;
    }

    public void AllowTwoControllers() => twoControllersAllowedUntil = cluster.Scheduler.Now + TwoControllers;

    /// <summary>The API server was restored: a route may lead to a node that it does not have, or has with another pod CIDR.</summary>
    public void Restored() => routesOfUsable.Clear();

    /// <summary>An operator has changed the route table.</summary>
    public void TableChanged() => entries = ReadEntries();

    /// <summary>A process ended by itself.</summary>
    public void Ended(KubeProcess process, string reason)
    {
        if (process.LeaseDisturbance is null)
            cluster.Fail($"{process.Machine.Name} ended although its lease was not disturbed: {reason}");
    }

    /// <summary>A process sends a write to the cloud: it must hold the election.</summary>
    public void CloudWrite(SimulatedProcess process, string action)
    {
        if (cluster.Scheduler.Now < twoControllersAllowedUntil
            || process.Context.WasPausedAfter(cluster.Scheduler.Now - TimeSpan.FromSeconds(1)))
            return;
        var holder = cluster.Election?.HolderIdentity ?? "";
        if (!holder.StartsWith($"{process.Machine.Name}_", StringComparison.Ordinal))
            cluster.Fail($"{process.Machine.Name} sends {action}, and \"{holder}\" holds the election");
    }

    public void FileWritten(KubeProcess process, SubnetFileState before, SubnetEnv subnetEnv)
    {
        if (before is SubnetFileState.Present { HasExpectedMode: true } present
            && present.Content.AsSpan().SequenceEqual(subnetEnv.ToBytes()))
            cluster.Fail($"{process.Machine.Name} writes a subnet.env that is correct already");
        if (process.Published != subnetEnv.Subnet) CheckRoute(process, subnetEnv.Subnet);
    }

    /// <summary>A process removes <c>subnet.env</c>: never while the lease and the route are fine.</summary>
    public void FileRemoved(KubeProcess process)
    {
        var machine = process.Machine;
        var now = cluster.Scheduler.Now;
        if (machine.SubnetInFile is not { } subnet || machine.UsableSince is not { } since || now - since < EventDelay) return;
        // A paused process may act on a response from before the pause.
        if (process.Context.WasPausedAfter(since)) return;
        cluster.Fail($"{machine.Name} removes {subnet} from subnet.env, which it may use by its node since {now - since}");
    }

    public void Check()
    {
        foreach (var process in cluster.Processes)
        {
            if (process.Context.HasRun) CheckProcess(process);
        }

        var now = cluster.Scheduler.Now;
        if (!serverChanged && now < nextCheck) return;
        serverChanged = false;
        nextCheck = now + TimeSpan.FromSeconds(1);
        foreach (var machine in cluster.Machines) machine.UsableSince = IsUsable(machine) ? machine.UsableSince ?? now : null;
        CheckEntries();
        foreach (var process in cluster.Processes)
        {
            CheckHeld(process, now);
            CheckRequests(process, now);
        }

        CheckOverlaps();
    }

    /// <summary>Whether the table has the route of a subnet to an instance.</summary>
    public bool HasRoute(Machine machine, Ipv4Network subnet) => entries.GetValueOrDefault(subnet.ToString()) == HopOf(machine);

    private static string HopOf(Machine machine) => machine.Instance;

    private Dictionary<string, string> ReadEntries() =>
        cluster.Cloud.Api.Tables[SimulatedCloud.TableId].Entries.GroupBy(entry => entry.Destination)
            .ToDictionary(same => same.Key, same => same.Last().Hop.Id);

    /// <summary>Checks what the process publishes to the host after a step.</summary>
    private void CheckProcess(KubeProcess process)
    {
        process.Context.HasRun = false;
        var before = process.Published;
        var subnet = process.Published = process.Publishes
            ? process.Machine.SubnetInFile ?? before
            : process.Machine.SubnetInFile == before ? before : null;
        if (process.Subnet is not null && !process.IsReady)
            cluster.Fail($"{process.Machine.Name} leaves {subnet} in subnet.env and is not ready");
        if (subnet == before) return;
        serverChanged = true;
        cluster.Trace(process.Machine, subnet is null ? "withdraws subnet.env" : $"publishes {subnet}");
        if (subnet is { } published) CheckRoute(process, published);
    }

    /// <summary>A process publishes a subnet only after the controller has reported the route of this node as available.</summary>
    private void CheckRoute(KubeProcess process, Ipv4Network subnet)
    {
        if (cluster.NodeOf(process.Machine) is not { } node || KubeCluster.SubnetOf(node) != subnet) return;
        if (!available.Contains(new AvailableRoute(node.Uid, subnet.ToString(), process.Machine.Instance)))
            cluster.Fail($"{process.Machine.Name} publishes {subnet}, and no route of node {node.Uid} was ever available");
    }

    /// <summary>Whether the node says that the machine may use the subnet that its file names.</summary>
    private bool IsUsable(Machine machine) =>
        machine.SubnetInFile is { } subnet && cluster.NodeOf(machine) is { } node && IsHeld(machine, node, subnet)
        && cluster.StatusOf(node) is { State: RouteState.Available } status && status.IsFor(subnet, machine.Instance);

    private bool IsHeld(Machine machine, KubeNode node, Ipv4Network subnet) =>
        KubeCluster.SubnetOf(node) == subnet && cluster.Annotations.IsManaged(node)
        && AliVpcBackendData.Parse(cluster.Annotations.Find(node)?.BackendData)?.InstanceId == machine.Instance;

    /// <summary>A process that uses a subnet holds it, or notices soon that it does not. Without the API server it keeps what it
    /// has.</summary>
    private void CheckHeld(KubeProcess process, TimeSpan now)
    {
        var isHeld = process.Subnet is not { } subnet
            || (cluster.NodeOf(process.Machine) is { } node && KubeCluster.SubnetOf(node) == subnet);
        if (isHeld) process.NoticeDeadline = null;
        else if (process.NoticeDeadline is null || !CanNotice(process)) process.NoticeDeadline = now + NoticeLimit;
        if (now > process.NoticeDeadline)
            cluster.Fail($"{process.Machine.Name} uses {process.Subnet}, which its node has not had for {NoticeLimit}");
    }

    private bool CanNotice(KubeProcess process) =>
        !process.Kube.IsIsolated && !cluster.Conditions.ClusterDown && !process.Context.IsPaused && !process.Kube.HasDeniedRequests
        && !cluster.Conditions.HasRequestFaults;

    private void CheckRequests(KubeProcess process, TimeSpan now)
    {
        if (process.Kube.Requests > RequestsAtOnce + RequestsPerSecond * (now - process.Started).TotalSeconds)
            cluster.Fail($"{process.Machine.Name} has made {process.Kube.Requests} requests in {now - process.Started}");
    }

    /// <summary>A route is deleted or re-pointed only after an action has ended its lease, and never while its node uses it.</summary>
    private void CheckEntries()
    {
        var before = entries;
        entries = ReadEntries();
        foreach (var (subnet, hop) in before)
        {
            if (entries.GetValueOrDefault(subnet) != hop && !endedSubnets.Contains(subnet))
                cluster.Fail($"the route {subnet} to {hop} was deleted or changed, and nothing ended its lease");
        }

        foreach (var machine in cluster.Machines)
        {
            if (machine.UsableSince is null || machine.SubnetInFile is not { } subnet)
            {
                routesOfUsable.Remove(machine.Name);
                continue;
            }

            if (HasRoute(machine, subnet)) routesOfUsable[machine.Name] = subnet.ToString();
            else if (routesOfUsable.GetValueOrDefault(machine.Name) == subnet.ToString())
                cluster.Fail($"the route {subnet} of {machine.Name} was deleted or changed while the node uses it");
        }
    }

    /// <summary>No two processes use overlapping subnets, except those that cannot have noticed the loss of theirs.</summary>
    private void CheckOverlaps()
    {
        var used = cluster.Processes.Where(process => process.NoticeDeadline is null && process.Subnet is not null).ToList();
        for (var i = 0; i < used.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (used[i].Subnet!.Value.Overlaps(used[j].Subnet!.Value))
                    cluster.Fail($"{used[i].Machine.Name} uses {used[i].Subnet}, {used[j].Machine.Name} uses {used[j].Subnet}");
            }
        }
    }

    private sealed record AvailableRoute(string NodeUid, string Subnet, string Instance);
}
