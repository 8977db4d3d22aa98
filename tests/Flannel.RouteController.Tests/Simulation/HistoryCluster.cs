using System.Globalization;
using AliCloud.Simulator;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>What distinguishes the clusters of a history.</summary>
/// <param name="Nodes">Their numbers; each is an instance <c>{Prefix}{number}</c>.</param>
/// <param name="Subnets">The third byte of the subnets that its nodes lease.</param>
internal sealed record ClusterPlan(string KeyId, string Prefix, Range Nodes, Range Subnets, IReadOnlyList<string> RouteTableIds);

/// <summary>One cluster of a history: its etcd, its nodes, and one route controller after the other. Its etcd is restored from backups,
/// emptied and replaced; its configuration is edited; its nodes join, leave, and lease their subnets again.</summary>
internal sealed class HistoryCluster : IDisposable
{
    private static readonly string[] Networks = ["10.24.0.0/16", "10.24.0.0/15", "10.24.0.0/21", "10.42.0.0/16"];

    /// <summary>If more leases of a VPC end at once, the deletion of their routes is held.</summary>
    private const int MaxEndedTogether = 3;

    /// <summary>The number of instances that are never deleted: some in each VPC.</summary>
    private const int PermanentInstances = 6;

    private static readonly TimeSpan QuietResync = TimeSpan.FromHours(6);

    private readonly VirtualTime time;
    private readonly Random random;
    private readonly SimulatedCloud cloud;
    private readonly CloudApi api;
    private readonly ClusterPlan plan;
    private readonly LaggingLeaseSource leaseSource;
    private readonly Dictionary<int, string> subnetOf = [];
    private readonly HashSet<int> leaving = [];
    private readonly HashSet<int> returning = [];
    private readonly HashSet<int> deletedInstances = [];
    private readonly HashSet<int> mayLoseRoute = [];
    private bool injectsFaults = true;
    private int terms;

    public HistoryCluster(VirtualTime time, Random random, SimulatedCloud cloud, CloudApi api, ClusterPlan plan)
    {
        (this.time, this.random, this.cloud, this.api, this.plan) = (time, random, cloud, api, plan);
        Leases.Cluster = null;
        Leases.NewCluster = () => ClusterId.TryParse(random.NextInt64().ToString("x16", CultureInfo.InvariantCulture), out var id)
            ? id
            : ClusterId.New();
        leaseSource = new LaggingLeaseSource(time, Leases, () =>
            injectsFaults ? TimeSpan.FromMilliseconds(random.Next(1, 3000)) : TimeSpan.FromMilliseconds(1));
        Term = NewTerm([]);
    }

    public InMemoryLeases Leases { get; } = new();

    public RecordingLogger Log { get; } = new();

    public InMemoryTerm Term { get; private set; }

    public string KeyId => plan.KeyId;

    /// <summary>The number of changes that need writes.</summary>
    public int Changes { get; set; }

    public int Losses { get; private set; }

    /// <summary>Called with a description of each event.</summary>
    public Action<string> Trace { get; set; } = _ => { };

    /// <summary>Called before and after each change of the leases or of the nodes.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>Subnet and next hop of each node that uses its subnet: as far as the node knows, its lease is neither lost nor released. A
    /// node is not among them if a restore brought its release back, or if its lease was deleted together with few others.</summary>
    public IEnumerable<KeyValuePair<string, string>> ExpectedRoutes =>
        subnetOf.Where(pair => !leaving.Contains(pair.Key) && !mayLoseRoute.Contains(pair.Key))
        .Select(pair => KeyValuePair.Create(pair.Value, HopOf(pair.Key))).Where(expected => !IsReleased(expected.Key, expected.Value));

    /// <summary>The marks of clusters whose etcd is lost.</summary>
    public HashSet<string> LostMarks { get; } = [];

    public static bool IsPrimary(int node) => node % 5 != 4;

    /// <summary>vSwitch 3 is in another VPC.</summary>
    public static int VSwitchNumberOf(int node) => node % 3 + 1;

    public static string VpcOf(int node) => VSwitchNumberOf(node) == 3 ? "vpc-2" : "vpc-1";

    public void Begin()
    {
        leaseSource.Follow();
        RunTerms();
    }

    /// <summary>Ends the faults: etcd and the configuration are valid again, and every node has returned.</summary>
    public async Task EndFaultsAsync()
    {
        injectsFaults = false;
        Leases.Config = InMemoryLeases.ConfigFor(Networks[0]);
        Leases.IsComplete = true;
        Leases.Touch();
        while (returning.Count + leaving.Count > 0) await time.Pass(TimeSpan.FromSeconds(10));
        // A term reconciles only VPCs with a node: one joins in each.
        foreach (var vpc in new[] { "vpc-1", "vpc-2" })
        {
            var nodes = Enumerable.Range(plan.Nodes.Start.Value, plan.Nodes.End.Value - plan.Nodes.Start.Value)
                .Where(node => VpcOf(node) == vpc).ToList();
            while (!nodes.Exists(subnetOf.ContainsKey))
            {
                if (nodes.First(node => !deletedInstances.Contains(node)) is var node && FreeSubnet() is { } subnet) Join(node, subnet);
            }
        }

        Changed();
        foreach (var subnet in OutdatedLeases()) Leases.RemoveIfExists(subnet);
        Changed();
    }

    /// <summary>Starts another term. Without faults it reads the tables less often, because that phase is long.</summary>
    public void Restart() => Term.Lose();

    public void LoseWithProbability(double probability)
    {
        if (!injectsFaults || Term.Lost.IsCancellationRequested || random.NextDouble() > probability) return;
        Losses++;
        Term.Lose();
    }

    public async Task NodesAsync()
    {
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromMilliseconds(random.Next(1, 6000)));
            if (!injectsFaults) break;
            var node = random.Next(plan.Nodes.Start.Value, plan.Nodes.End.Value);
            if (deletedInstances.Contains(node) || returning.Contains(node)) continue;
            if (subnetOf.TryGetValue(node, out var own)) Leave(node, own);
            else if (FreeSubnet() is { } subnet) Join(node, subnet);
        }
    }

    public void Join(int node, string subnet)
    {
        Changes += 2;
        Trace($"{HopOf(node)} leases {subnet}");
        subnetOf[node] = subnet;
        cloud.Console.SetSourceDestCheck($"eni-{plan.Prefix}{node}", true);
        Leases.Add(subnet, plan.Prefix + node, VpcOf(node), $"vsw-{VSwitchNumberOf(node)}", IsPrimary(node));
        Changed();
    }

    /// <summary>Restores, replaces and empties etcd, and edits the configuration, until the faults end.</summary>
    public async Task ChangeEtcdAsync()
    {
        var backup = Leases.Backup();
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromSeconds(random.Next(30, 180)));
            if (!injectsFaults) break;
            switch (random.Next(7))
            {
                case 0 or 1:
                    backup = Leases.Backup();
                    Trace("etcd is backed up");
                    break;
                case 2:
                    ReplaceEtcd("etcd is restored", () => Leases.Restore(backup));
                    break;
                case 3:
                    ReplaceEtcd("etcd is replaced by an empty one", () => Leases.Restore(ClusterContent.Empty(Leases.Config)));
                    break;
                case 4:
                    mayLoseRoute.UnionWith(NodesOfSmallVpcs());
                    ReplaceEtcd("every key is deleted", Leases.DeleteAll);
                    break;
                default:
                    // Widened, narrowed, mistyped, or no JSON at all.
                    Leases.Config = random.Next(4) == 0 ? null : InMemoryLeases.ConfigFor(Networks[random.Next(Networks.Length)]);
                    Leases.Touch();
                    break;
            }
        }
    }

    private bool HoldsLease(string subnet, string hop) => NodeOf(subnet) is { Released: false } node && RouteHistory.Hop(node) == hop;

    private bool IsReleased(string subnet, string hop) => NodeOf(subnet) is { Released: true } node && RouteHistory.Hop(node) == hop;

    private AliVpcBackendData? NodeOf(string subnet) =>
        AliVpcBackendData.Parse(Leases.Snapshot.Leases.FirstOrDefault(lease => lease.Subnet.ToString() == subnet)?.Attributes.BackendData);

    public void Dispose() => Term.Dispose();

    private string HopOf(int node) => (IsPrimary(node) ? "" : "eni-") + plan.Prefix + node;

    private string? FreeSubnet()
    {
        var subnet = $"10.24.{random.Next(plan.Subnets.Start.Value, plan.Subnets.End.Value)}.0/24";
        return subnetOf.ContainsValue(subnet) || Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet) ? null : subnet;
    }

    private async void Leave(int node, string subnet)
    {
        if (!leaving.Add(node)) return;
        Changes += 2;
        Trace($"{HopOf(node)} leaves {subnet}");
        Changed();
        if (random.Next(3) == 0 && Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet))
        {
            // flanneld release: first the release, and after the status Released or a time-out the end of the lease.
            Leases.Release(subnet);
            Trace($"{HopOf(node)} releases {subnet}");
            var began = time.Elapsed;
            while (!(Status(subnet)?.State == RouteState.Released) && time.Elapsed - began < TimeSpan.FromSeconds(30))
                await time.Pass(TimeSpan.FromMilliseconds(200));
        }

        Changed();
        if (HoldsLease(subnet, HopOf(node)) || IsReleased(subnet, HopOf(node))) Leases.Remove(subnet);
        Term.Statuses.ByKey.TryRemove(subnet.Replace('/', '-'), out _);
        subnetOf.Remove(node);
        leaving.Remove(node);
        Trace($"{HopOf(node)} has left {subnet}");
        Changed();
        if (random.Next(4) != 0 || node < plan.Nodes.Start.Value + PermanentInstances) return;
        deletedInstances.Add(node);
        await cloud.DeleteInstanceAsync(plan.Prefix + node, force: true);
    }

    private RouteStatus? Status(string subnet) => Term.Statuses.ByKey.GetValueOrDefault(subnet.Replace('/', '-'));

    /// <summary>Replaces the content of etcd. Controllers and nodes detect it later.</summary>
    private void ReplaceEtcd(string what, Action change)
    {
        Trace(what);
        var before = Leases.Cluster;
        Changed();
        change();
        Leases.Config ??= InMemoryLeases.ConfigFor(Networks[0]);
        if (before is not null && Leases.Cluster != before) LostMarks.Add(OwnershipMark.Of(before).Token);
        Term.Statuses.ByKey.Clear();
        Changes += 4 * (subnetOf.Count + 1);
        Losses++;
        Changed();
        LoseTermLater(Term);
        foreach (var node in subnetOf.Keys) ReturnLater(node);
        foreach (var subnet in OutdatedLeases()) ExpireLater(subnet);
    }

    /// <summary>The nodes with a lease in a VPC that has so few that their routes are not held.</summary>
    private IEnumerable<int> NodesOfSmallVpcs() =>
        [.. subnetOf.Where(pair => HoldsLease(pair.Value, HopOf(pair.Key))).Select(pair => pair.Key)
        .GroupBy(VpcOf).Where(ofVpc => ofVpc.Count() <= MaxEndedTogether).SelectMany(ofVpc => ofVpc)];

    /// <summary>A controller detects within its renewal interval that it is not elected any more. With a backup from its own term it still
    /// is.</summary>
    private async void LoseTermLater(InMemoryTerm term)
    {
        await time.Pass(TimeSpan.FromMilliseconds(random.Next(1, 4000)));
        if (ReferenceEquals(Term, term) && !ReferenceEquals(Leases.Holder, term)) term.Lose();
    }

    /// <summary>A node finds its lease missing and takes its subnet again, or another one if the subnet is leased. Most nodes are
    /// quick; some are cut off from etcd for a while.</summary>
    private async void ReturnLater(int node)
    {
        if (!returning.Add(node)) return;
        await time.Pass(random.Next(5) > 0
            ? TimeSpan.FromMilliseconds(random.Next(50, 20_000))
            : TimeSpan.FromSeconds(random.Next(20, 1500)));
        returning.Remove(node);
        mayLoseRoute.Remove(node);
        if (!subnetOf.TryGetValue(node, out var subnet) || leaving.Contains(node) || HoldsLease(subnet, HopOf(node))) return;
        if (Leases.Snapshot.Leases.All(lease => lease.Subnet.ToString() != subnet) || IsReleased(subnet, HopOf(node)))
        {
            Join(node, subnet);
            return;
        }

        subnetOf.Remove(node);
        Changed();
        if (FreeSubnet() is { } other) Join(node, other);
    }

    /// <summary>Leases from a backup whose nodes have another subnet now.</summary>
    private List<string> OutdatedLeases() => [.. Leases.Snapshot.Leases
        .Where(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData) is not null
            && !ExpectedRoutes.Any(expected => expected.Key == lease.Subnet.ToString() && HoldsLease(expected.Key, expected.Value)))
        .Select(lease => lease.Subnet.ToString())];

    private async void ExpireLater(string subnet)
    {
        await time.Pass(TimeSpan.FromSeconds(random.Next(5, 400)));
        if (!OutdatedLeases().Contains(subnet)) return;
        Changes += 2;
        Changed();
        Leases.Remove(subnet);
        Trace($"the lease of {subnet} expires");
        Changed();
    }

    private InMemoryTerm NewTerm(IEnumerable<KeyValuePair<string, RouteStatus>> statuses) =>
        new(time, Leases, new(statuses)) { OnStep = () => LoseWithProbability(0.006) };

    /// <summary>Runs one term after the other.</summary>
    private async void RunTerms()
    {
        while (true)
        {
            var options = new RouteControllerOptions(plan.RouteTableIds)
            {
                // In the first term, and every second one after it, all tables count as large.
                EntriesPerPage = terms++ % 2 == 0 ? 1 : CloudLimits.EntriesPerPage,
            };
            if (!injectsFaults) options = options with { Resync = QuietResync, FullResyncInterval = 2 };
            var context = new ControllerContext(time, new Random(random.Next()), Log, new LivenessMonitor(time));
            var controller = new ClusterReconciler(options, leaseSource, api, context);
            Trace("a term begins");
            await controller.RunAsync(Term, CancellationToken.None);
            await time.Pass(TimeSpan.FromSeconds(1));
            var next = NewTerm(Term.Statuses.ByKey);
            Term.Dispose();
            Term = next;
        }
    }
}
