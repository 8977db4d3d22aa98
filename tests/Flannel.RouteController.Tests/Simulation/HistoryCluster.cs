using System.Globalization;
using AliCloud.Simulator;
using Flannel.AliCloud;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>What distinguishes the clusters of a history.</summary>
/// <param name="Nodes">Their numbers; each is an instance <c>{Prefix}{number}</c>.</param>
/// <param name="Subnets">The third byte of the subnets that its nodes lease.</param>
internal sealed record ClusterPlan(string KeyId, string Prefix, Range Nodes, Range Subnets, IReadOnlyList<string> RouteTableIds);

/// <summary>One cluster of a history: its etcd, its nodes, and one route controller after the other. Its etcd is restored from backups,
/// emptied and replaced; its configuration is edited; its nodes join, leave, and come back after what happened to etcd.</summary>
internal sealed class HistoryCluster : IDisposable
{
    private static readonly string[] Networks = ["10.24.0.0/16", "10.24.0.0/15", "10.24.0.0/21", "10.42.0.0/16"];

    /// <summary>So many leases of a VPC may be seen to end at once before the deletion of their routes is held.</summary>
    private const int Few = 3;

    /// <summary>So many instances live as long as the history: some in each VPC.</summary>
    private const int NeverDeleted = 6;

    private static readonly TimeSpan QuietResync = TimeSpan.FromHours(6);

    private readonly VirtualTime time;
    private readonly Random chance;
    private readonly SimulatedCloud cloud;
    private readonly CloudApi api;
    private readonly ClusterPlan plan;
    private readonly LaggingLeaseSource view;
    private readonly Dictionary<int, string> subnetOf = [];
    private readonly HashSet<int> leaving = [];
    private readonly HashSet<int> returning = [];
    private readonly HashSet<int> gone = [];
    private readonly HashSet<int> revoked = [];
    private bool injectsFaults = true;

    public HistoryCluster(VirtualTime time, Random chance, SimulatedCloud cloud, CloudApi api, ClusterPlan plan)
    {
        (this.time, this.chance, this.cloud, this.api, this.plan) = (time, chance, cloud, api, plan);
        Leases.Cluster = null;
        Leases.NewCluster = () => ClusterId.TryParse(chance.NextInt64().ToString("x16", CultureInfo.InvariantCulture), out var id)
            ? id
            : ClusterId.New();
        view = new LaggingLeaseSource(time, Leases, () =>
            injectsFaults ? TimeSpan.FromMilliseconds(chance.Next(1, 3000)) : TimeSpan.FromMilliseconds(1));
        Term = NewTerm([]);
    }

    public InMemoryLeases Leases { get; } = new();

    public RecordingLogger Log { get; } = new();

    public InMemoryTerm Term { get; private set; }

    public string KeyId => plan.KeyId;

    /// <summary>The number of changes that need writes.</summary>
    public int Changes { get; set; }

    public int Losses { get; private set; }

    /// <summary>Called with what happens, in words.</summary>
    public Action<string> Trace { get; set; } = _ => { };

    /// <summary>Called before and after each change of the leases, and of what the nodes believe.</summary>
    public Action Changed { get; set; } = () => { };

    /// <summary>The next hop that the node of each subnet expects: as far as the node knows, its lease is neither lost nor released. Not
    /// that of a node whose own release is in etcd again, with a backup, and not that of a node whose lease was deleted with few
    /// others.</summary>
    public IEnumerable<KeyValuePair<string, string>> Living =>
        subnetOf.Where(pair => !leaving.Contains(pair.Key) && !revoked.Contains(pair.Key))
        .Select(pair => KeyValuePair.Create(pair.Value, HopOf(pair.Key))).Where(living => !IsReleased(living.Key, living.Value));

    /// <summary>The marks of clusters whose etcd is lost.</summary>
    public HashSet<string> LostMarks { get; } = [];

    public static bool IsPrimary(int node) => node % 5 != 4;

    /// <summary>The third is in another VPC.</summary>
    public static int VSwitchNumberOf(int node) => node % 3 + 1;

    public static string VpcOf(int node) => VSwitchNumberOf(node) == 3 ? "vpc-2" : "vpc-1";

    public void Begin()
    {
        view.Follow();
        Terms();
    }

    /// <summary>Ends the faults: etcd and the configuration are valid again, and every node has returned.</summary>
    public async Task CalmAsync()
    {
        injectsFaults = false;
        Leases.Config = InMemoryLeases.ConfigFor(Networks[0]);
        Leases.IsComplete = true;
        Leases.Touch();
        while (returning.Count + leaving.Count > 0) await time.Pass(TimeSpan.FromSeconds(10));
        // A term sees only VPCs that a node is in: one is in each.
        foreach (var vpc in new[] { "vpc-1", "vpc-2" })
        {
            var nodes = Enumerable.Range(plan.Nodes.Start.Value, plan.Nodes.End.Value - plan.Nodes.Start.Value)
                .Where(node => VpcOf(node) == vpc).ToList();
            while (!nodes.Exists(subnetOf.ContainsKey))
            {
                if (nodes.First(node => !gone.Contains(node)) is var node && FreeSubnet() is { } subnet) Join(node, subnet);
            }
        }

        Changed();
        foreach (var ghost in Ghosts()) Leases.RemoveIfThere(ghost);
        Changed();
    }

    /// <summary>Another process with the same duty looks at the tables less often: the quiet is long.</summary>
    public void Restart() => Lose();

    public void MayLose(double probability)
    {
        if (!injectsFaults || Term.Lost.IsCancellationRequested || chance.NextDouble() > probability) return;
        Losses++;
        Lose();
    }

    public async Task NodesAsync()
    {
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 6000)));
            if (!injectsFaults) break;
            var node = chance.Next(plan.Nodes.Start.Value, plan.Nodes.End.Value);
            if (gone.Contains(node) || returning.Contains(node)) continue;
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

    /// <summary>What happens to etcd and to the configuration.</summary>
    public async Task DisastersAsync()
    {
        var backup = Leases.Backup();
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromSeconds(chance.Next(30, 180)));
            if (!injectsFaults) break;
            switch (chance.Next(7))
            {
                case 0 or 1:
                    backup = Leases.Backup();
                    Trace("etcd is backed up");
                    break;
                case 2:
                    Overtake("etcd is restored", () => Leases.Restore(backup));
                    break;
                case 3:
                    Overtake("etcd is replaced by an empty one", () => Leases.Restore(ClusterContent.Empty(Leases.Config)));
                    break;
                case 4:
                    revoked.UnionWith(HoldersOfFew());
                    Overtake("every key is deleted", Leases.DeleteAll);
                    break;
                default:
                    // Widened, narrowed, mistyped, or no JSON at all.
                    Leases.Config = chance.Next(4) == 0 ? null : InMemoryLeases.ConfigFor(Networks[chance.Next(Networks.Length)]);
                    Leases.Touch();
                    break;
            }
        }
    }

    private bool IsRight(string subnet, string hop) => NodeOf(subnet) is { Released: false } node && RouteHistory.Hop(node) == hop;

    private bool IsReleased(string subnet, string hop) => NodeOf(subnet) is { Released: true } node && RouteHistory.Hop(node) == hop;

    private AliVpcBackendData? NodeOf(string subnet) =>
        AliVpcBackendData.Parse(Leases.Snapshot.Leases.FirstOrDefault(lease => lease.Subnet.ToString() == subnet)?.Attributes.BackendData);

    public void Dispose() => Term.Dispose();

    private void Lose() => Term.Lose();

    private string HopOf(int node) => (IsPrimary(node) ? "" : "eni-") + plan.Prefix + node;

    private string? FreeSubnet()
    {
        var subnet = $"10.24.{chance.Next(plan.Subnets.Start.Value, plan.Subnets.End.Value)}.0/24";
        return subnetOf.ContainsValue(subnet) || Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet) ? null : subnet;
    }

    private async void Leave(int node, string subnet)
    {
        if (!leaving.Add(node)) return;
        Changes += 2;
        Trace($"{HopOf(node)} leaves {subnet}");
        Changed();
        if (chance.Next(3) == 0 && Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet))
        {
            // flanneld release: first the release, then, when the controller says so or after its time-out, the lease.
            Leases.Release(subnet);
            Trace($"{HopOf(node)} releases {subnet}");
            var began = time.Elapsed;
            while (!(Status(subnet)?.State == RouteState.Released) && time.Elapsed - began < TimeSpan.FromSeconds(30))
                await time.Pass(TimeSpan.FromMilliseconds(200));
        }

        Changed();
        if (IsRight(subnet, HopOf(node)) || IsReleased(subnet, HopOf(node))) Leases.Remove(subnet);
        Term.Statuses.ByKey.TryRemove(subnet.Replace('/', '-'), out _);
        subnetOf.Remove(node);
        leaving.Remove(node);
        Trace($"{HopOf(node)} has left {subnet}");
        Changed();
        if (chance.Next(4) != 0 || node < plan.Nodes.Start.Value + NeverDeleted) return;
        gone.Add(node);
        await cloud.DeleteInstanceAsync(plan.Prefix + node, force: true);
    }

    private RouteStatus? Status(string subnet) => Term.Statuses.ByKey.GetValueOrDefault(subnet.Replace('/', '-'));

    /// <summary>Another etcd replaces this one, and the controllers and nodes notice within some time.</summary>
    private void Overtake(string what, Action change)
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
        FindOut(Term);
        foreach (var node in subnetOf.Keys) Return(node);
        foreach (var ghost in Ghosts()) Expire(ghost);
    }

    /// <summary>The nodes with a lease in a VPC that has few of them.</summary>
    private IEnumerable<int> HoldersOfFew() => [.. subnetOf.Where(pair => IsRight(pair.Value, HopOf(pair.Key))).Select(pair => pair.Key)
        .GroupBy(VpcOf).Where(ofVpc => ofVpc.Count() <= Few).SelectMany(ofVpc => ofVpc)];

    /// <summary>A controller learns within its renewal interval that the election is not its own any more; of a backup from its own term it
    /// is.</summary>
    private async void FindOut(InMemoryTerm term)
    {
        await time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 4000)));
        if (ReferenceEquals(Term, term) && !ReferenceEquals(Leases.Holder, term)) term.Lose();
    }

    /// <summary>A node finds its lease missing and takes its subnet again, or another one if the subnet is leased. Most nodes are
    /// quick; some are cut off from etcd for a while.</summary>
    private async void Return(int node)
    {
        if (!returning.Add(node)) return;
        await time.Pass(chance.Next(5) > 0
            ? TimeSpan.FromMilliseconds(chance.Next(50, 20_000))
            : TimeSpan.FromSeconds(chance.Next(20, 1500)));
        returning.Remove(node);
        revoked.Remove(node);
        if (!subnetOf.TryGetValue(node, out var subnet) || leaving.Contains(node) || IsRight(subnet, HopOf(node))) return;
        if (Leases.Snapshot.Leases.All(lease => lease.Subnet.ToString() != subnet) || IsReleased(subnet, HopOf(node)))
        {
            Join(node, subnet);
            return;
        }

        subnetOf.Remove(node);
        Changed();
        if (FreeSubnet() is { } other) Join(node, other);
    }

    /// <summary>Leases of nodes that are elsewhere by now, as a backup has them.</summary>
    private List<string> Ghosts() => [.. Leases.Snapshot.Leases
        .Where(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData) is not null
            && !Living.Any(living => living.Key == lease.Subnet.ToString() && IsRight(living.Key, living.Value)))
        .Select(lease => lease.Subnet.ToString())];

    private async void Expire(string subnet)
    {
        await time.Pass(TimeSpan.FromSeconds(chance.Next(5, 400)));
        if (!Ghosts().Contains(subnet)) return;
        Changes += 2;
        Changed();
        Leases.Remove(subnet);
        Trace($"the lease of {subnet} expires");
        Changed();
    }

    private InMemoryTerm NewTerm(IEnumerable<KeyValuePair<string, RouteStatus>> statuses) =>
        new(time, Leases, new(statuses)) { OnStep = () => MayLose(0.006) };

    /// <summary>One controller after the other, as the election lets them in.</summary>
    private async void Terms()
    {
        while (true)
        {
            var options = new RouteControllerOptions(plan.RouteTableIds);
            if (!injectsFaults) options = options with { Resync = QuietResync, FullResyncs = 2 };
            var controller = new ClusterReconciler(options, view, api, time, new Random(chance.Next()), Log);
            Trace("a term begins");
            await controller.RunAsync(Term, CancellationToken.None);
            await time.Pass(TimeSpan.FromSeconds(1));
            var next = NewTerm(Term.Statuses.ByKey);
            Term.Dispose();
            Term = next;
        }
    }
}
