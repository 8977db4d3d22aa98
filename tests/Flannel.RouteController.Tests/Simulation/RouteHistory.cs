using AliCloud.Simulator;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.RouteController.Tests.Simulation.HistorySetup;
using static Flannel.RouteController.Tests.Simulation.VirtualWire;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>Two clusters with the same prefix and network in one VPC, the first of them in a second VPC as well; each with its own etcd and
/// the real controller with the real client over the simulated cloud, in virtual time, through one history that a seed decides. Nodes come,
/// leave and are released; etcd is restored, emptied and replaced; the configuration is edited; an operator, a Terraform and nodes of the
/// old daemon write as well; calls fail in every way; permissions and quota change; and the elections are lost at any step.</summary>
internal sealed class RouteHistory : IAsyncDisposable
{
    private const string OperatorKey = "LTAIoperator";
    private const string TerraformKey = "LTAIterraform";
    private const string OldDaemonKey = "LTAIold";

    private static readonly ClusterPlan[] ClusterPlans =
    [
        new("LTAIfirst", "i-", 0..30, 1..24, ["vtb-1", "vtb-3"]),
        new("LTAIsecond", "i-b", 50..60, 30..40, []),
    ];

    private static readonly string[][] DeniedPermissions =
    [
        ["vpc:CreateRouteEntries"], ["vpc:CreateRouteEntr*"], ["vpc:ModifyRouteEntry"], ["vpc:DeleteRouteEntries"],
        ["vpc:DescribeRouteEntryList"],
        ["vpc:DescribeRouteTableList"], ["vpc:DescribeVpcAttribute", "vpc:DescribeVSwitches"], ["ecs:*"], ["quotas:*"],
    ];

    private readonly VirtualTime time;
    private readonly Random random;
    private readonly SimulatedCloud cloud;
    private readonly VirtualWire wire;
    private readonly List<CloudApi> apis = [];
    private readonly CloudApi @operator;
    private readonly CloudApi terraform;
    private readonly CloudApi oldDaemon;
    private readonly HistoryCluster[] clusters;
    private readonly RouteInvariants[] invariants;
    private readonly Dictionary<string, string> otherEntries = [];
    private readonly List<string> trace = [];
    private readonly Dictionary<string, string> tableOf = new() { ["vsw-1"] = "vtb-1", ["vsw-2"] = "vtb-2", ["vsw-3"] = "vtb-3" };
    private bool injectsFaults = true;
    private bool isUnavailable;
    private int writeFaults;

    public RouteHistory(VirtualTime time, int seed)
    {
        this.time = time;
        random = new Random(seed);
        string[] keys = [OperatorKey, TerraformKey, OldDaemonKey, .. ClusterPlans.Select(plan => plan.KeyId)];
        cloud = SimulatedCloud.Create(Create(keys, ClusterPlans), new SimulatedCloudOptions { Time = time, Random = new Random(seed) });
        wire = new VirtualWire(time, cloud.InProcess()) { ChooseFault = FaultOf, OnMoment = OnStep };
        (@operator, terraform, oldDaemon) = (Client(OperatorKey, seed), Client(TerraformKey, seed + 1), Client(OldDaemonKey, seed + 2));
        clusters = [.. ClusterPlans.Select((plan, k) =>
            new HistoryCluster(time, new Random(seed + k), cloud, Client(plan.KeyId, seed + 10 + k), plan))];
        invariants = [.. clusters.Select(cluster =>
            new RouteInvariants(time, cloud.State, cluster, () => clusters.SelectMany(one => one.ExpectedRoutes)))];
        foreach (var (cluster, invariant) in clusters.Zip(invariants))
        {
            cluster.Changed = invariant.RecordLeases;
            cluster.Trace = text => trace.Add($"{time.Elapsed:g} {cluster.KeyId} {text}");
        }

        foreach (var entry in cloud.State.CustomRoutes()) otherEntries.Add(Place(entry), Describe(entry));
    }

    public IEnumerable<string> Violations => invariants.SelectMany(one => one.Violations);

    /// <summary>The number of changes that need writes: a new or ended lease, a route that was deleted or updated, a vSwitch that
    /// moved to another table.</summary>
    public int Changes => clusters.Sum(cluster => cluster.Changes);

    /// <summary>Writes of the controllers that failed or were rejected, and elections that they lost.</summary>
    public int Faults => writeFaults + Losses + cloud.Calls.All.Count(call =>
        IsController(call.AccessKeyId) && call.Code is not null && VirtualWire.Request.Writes(call.Action));

    /// <summary>The events of nodes, etcd and controllers, one in each line.</summary>
    public IReadOnlyList<string> Trace => trace;

    public string Summary => string.Join(", ", cloud.Calls.Summary());

    public int Losses => clusters.Sum(cluster => cluster.Losses);

    /// <summary>Calls that write, made by the controllers.</summary>
    public int Writes { get; private set; }

    public static string Hop(AliVpcBackendData node) => node.PrimaryInterface ? node.InstanceId : node.NetworkInterfaceId;

    /// <summary>Runs all actors and faults at once, and then the controllers alone for as long as the slowest repair takes.</summary>
    public async Task RunAsync(TimeSpan withFaults, TimeSpan withoutFaults)
    {
        clusters[0].Join(0, "10.24.22.0/24");
        foreach (var cluster in clusters) cluster.Begin();
        Task[] actors =
        [
            OperatorAsync(), TerraformAsync(), PermissionsAsync(), .. clusters.Select(cluster => cluster.NodesAsync()),
            .. clusters.Select(cluster => cluster.ChangeEtcdAsync()), .. Enumerable.Range(0, OldDaemons).Select(OldDaemonAsync),
        ];
        await time.Pass(withFaults);
        injectsFaults = false;
        await Task.WhenAll([.. actors, .. clusters.Select(cluster => cluster.EndFaultsAsync())]);
        foreach (var cluster in clusters) cluster.Restart();
        foreach (var cluster in clusters) await RemoveLostClustersAsync(cluster);
        await time.Pass(withoutFaults);
    }

    /// <summary>The custom entries of all tables, one a line, except the entries of a lease in tables that serve no node of its VPC
    /// now.</summary>
    public IEnumerable<string> Observed() => cloud.State.CustomRoutes()
        .Where(entry => otherEntries.ContainsKey(Place(entry)) || !Leases.Any(lease => lease.Subnet.ToString() == entry.DestinationCidrBlock
            && !TablesOf(lease).Contains(entry.RouteTableId))).Select(Describe).Order(StringComparer.Ordinal);

    public IEnumerable<string> Desired() => Leases
        .SelectMany(lease => TablesOf(lease)
            .Select(table => (Place: $"{table} {lease.Subnet}", Hop: Hop(AliVpcBackendData.Parse(lease.Attributes.BackendData)!))))
        .Where(route => !otherEntries.ContainsKey(route.Place)).Select(route => $"{route.Place} {route.Hop} Available")
        .Concat(otherEntries.Values).Order(StringComparer.Ordinal);

    /// <summary>Nodes with a wrong status. The right one is Available, or Conflict if an unmanaged entry occupies the
    /// destination.</summary>
    public IEnumerable<string> WrongStatuses() => clusters.SelectMany(one => one.Leases.Snapshot.Leases.Where(IsOurs).Select(lease =>
    {
        var expected = TablesOf(lease).Any(table => otherEntries.ContainsKey($"{table} {lease.Subnet}"))
            ? RouteState.Conflict
            : RouteState.Available;
        var status = one.Term.Statuses.ByKey.GetValueOrDefault(lease.Key.ToString());
        return status?.State == expected ? "" : $"{lease.Key}: {status}";
    })).Where(line => line.Length > 0);

    /// <summary>No two controllers had one cluster's id.</summary>
    public IEnumerable<string> FalseSharedClusters() =>
        clusters.SelectMany(cluster => cluster.Log.Lines).Where(line => line.Id == 3528).Select(line => line.Text);

    public IEnumerable<string> ChecksThatAreOn() => cloud.State.Snapshot().Interfaces.Where(i => i.SourceDestCheck
        && Leases.Any(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData)?.NetworkInterfaceId == i.NetworkInterfaceId))
        .Select(i => i.NetworkInterfaceId);

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in clusters) cluster.Dispose();
        foreach (var api in apis) api.Dispose();
        await cloud.DisposeAsync();
    }

    private IEnumerable<Lease> Leases => clusters.SelectMany(cluster => cluster.Leases.Snapshot.Leases).Where(IsOurs);

    private static bool IsOurs(Lease lease) => AliVpcBackendData.Parse(lease.Attributes.BackendData) is not null;

    private static bool IsController(string? keyId) => ClusterPlans.Any(plan => plan.KeyId == keyId);

    private static string Place(RouteView entry) => $"{entry.RouteTableId} {entry.DestinationCidrBlock}";

    private static string Describe(RouteView entry) =>
        $"{entry.RouteTableId} {entry.DestinationCidrBlock} {entry.NextHopId} {entry.Status}";

    private string Describe(RouteInvariants.Subject subject) => subject.EntryId is { } id
        ? cloud.State.CustomRoutes().FirstOrDefault(entry => entry.RouteEntryId == id) is { } entry
            ? $"{Describe(entry)} {entry.RouteEntryName}"
            : id
        : $"{subject.Table} {subject.Destination} {subject.NextHop}";

    private CloudApi Client(string key, int seed)
    {
        var endpoint = CloudEndpoint.Parse("http://cloud.test").Value;
        var options = new CloudApiOptions
        {
            ProgramVersion = "test",
            VpcEndpoint = endpoint,
            EcsEndpoint = endpoint,
            QuotasEndpoint = endpoint,
        };
        var api = new CloudApi(Contexts.Create(options, time, handler: wire, random: new Random(seed)), StaticCredentials.Of(key, Secret));
        apis.Add(api);
        return api;
    }

    /// <summary>The tables that must have the route of a lease: those that serve its cluster's nodes in its VPC, and those that its cluster
    /// configures.</summary>
    private HashSet<string> TablesOf(Lease lease)
    {
        var cluster = clusters.Single(one => one.Leases.Snapshot.Leases.Contains(lease));
        var vpc = AliVpcBackendData.Parse(lease.Attributes.BackendData)!.VpcId;
        var used = cluster.Leases.Snapshot.Leases.Select(other => AliVpcBackendData.Parse(other.Attributes.BackendData))
            .Where(node => node?.VpcId == vpc).Select(node => tableOf[node!.VSwitchId]).ToHashSet();
        if (cluster == clusters[0]) used.Add(vpc == "vpc-1" ? "vtb-1" : "vtb-3");
        return used;
    }

    private WireFault FaultOf(Request request)
    {
        if (!IsController(request.KeyId) || !injectsFaults) return WireFault.None;
        if (!isUnavailable && random.NextDouble() > 0.12) return WireFault.None;
        if (request.IsWrite) writeFaults++;
        if (isUnavailable) return WireFault.NoConnection;
        return (WireFault)random.Next(1, Enum.GetValues<WireFault>().Length);
    }

    private void OnStep(Request request, Moment moment)
    {
        if (request is { KeyId: OperatorKey, IsWrite: true } && moment == Moment.Arrived) invariants[0].CheckCommand(request);
        if (Array.FindIndex(clusters, cluster => cluster.KeyId == request.KeyId) is var k && k < 0) return;
        if (request.IsWrite)
        {
            switch (moment)
            {
                case Moment.Sent:
                    Writes++;
                    var subjects = string.Join(' ', RouteInvariants.Subjects(request).Select(subject => Describe(subject)));
                    trace.Add($"{time.Elapsed:g} {request.KeyId} {request.Action} {subjects}");
                    invariants[k].Sent(request, clusters[k].Term.Lost.IsCancellationRequested);
                    break;
                case Moment.Arrived: invariants[k].Arrived(request); break;
                case Moment.Ended: invariants[k].Over(); break;
            }
        }

        // Not at the end, which cancelled requests reach as well.
        if (moment != Moment.Ended) clusters[k].LoseWithProbability(0.006);
    }

    private async Task OperatorAsync()
    {
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromMilliseconds(random.Next(1, 15000)));
            if (!injectsFaults) break; // the phase without faults has begun
            var cluster = clusters[random.Next(clusters.Length)];
            var ours = cloud.State.CustomRoutes().Where(entry => !otherEntries.ContainsKey(Place(entry))
                && OwnershipMark.ParseToken(entry.RouteEntryName) is not null
                && entry is { ServiceType: null, Status: EntryState.Available, NextHopType: "Instance" or "NetworkInterface" }).ToList();
            var some = ours.Count > 0 ? ours[random.Next(ours.Count)] : null;
            switch (random.Next(7))
            {
                case 0 or 1 when some is not null:
                    cluster.Changes++;
                    cloud.Console.DeleteRoute(some.RouteEntryId);
                    break;
                case 2 when some is { VpcId: "vpc-1" }:
                    cluster.Changes++;
                    cloud.Console.UpdateRoute(some.RouteEntryId, "i-x");
                    foreach (var invariant in invariants) invariant.NextHopChanged(some.RouteEntryId);
                    break;
                case 3:
                    cluster.Leases.IsComplete = random.Next(3) > 0;
                    cluster.Leases.Touch();
                    break;
                case 4:
                    cluster.Changes += 2;
                    tableOf["vsw-2"] = random.Next(2) == 0 ? "vtb-1" : "vtb-2";
                    cloud.Console.SetRouteTable("vsw-2", tableOf["vsw-2"]);
                    break;
                case 5:
                    await OccupyAsync();
                    break;
                case 6:
                    cloud.Console.Settings = cloud.Console.Settings with { RouteEntryQuota = random.Next(2) == 0 ? Quota : 15 };
                    break;
            }
        }

        cloud.Console.Settings = cloud.Console.Settings with { RouteEntryQuota = Quota };
    }

    /// <summary>An entry of a third cluster or of a VPN gateway occupies the destination of a possible route for a while; an unmanaged
    /// entry stays.</summary>
    private async Task OccupyAsync()
    {
        var subnet = $"10.24.{random.Next(1, 40)}.0/24";
        var entries = cloud.State.CustomRoutes();
        if (entries.Any(entry => entry.DestinationCidrBlock == subnet || entry.Status != EntryState.Available)) return;
        if (IsFull()) return;
        clusters[0].Changes++;
        var setup = random.Next(2) == 0 ? Unmanaged(subnet, Plans.Theirs.Token) : Gateway(subnet, "VpnGateway", "vpn-1", "");
        cloud.Console.CreateRoute("vtb-1", setup);
        await time.Pass(TimeSpan.FromSeconds(random.Next(5, 120)));
        var occupant = cloud.State.CustomRoutes()
            .SingleOrDefault(entry => entry.RouteTableId == "vtb-1" && entry.DestinationCidrBlock == subnet);
        if (occupant?.RouteEntryName != setup.RouteEntryName || occupant.NextHopId != setup.NextHopId)
            invariants[0].Violations.Add($"{time.Elapsed:g} an entry of another owner was changed: {occupant}");
        else cloud.Console.DeleteRoute(occupant.RouteEntryId);
        var own = $"10.24.{random.Next(100, 120)}.0/24";
        if (otherEntries.ContainsKey($"vtb-1 {own}") || IsFull()) return;
        cloud.Console.CreateRoute("vtb-1", Unmanaged(own, ""));
        otherEntries.Add($"vtb-1 {own}", $"vtb-1 {own} i-x Available");
    }

    private bool IsFull() => cloud.State.CustomRoutes()
        .Count(entry => entry.RouteTableId == "vtb-1") >= cloud.Console.Settings.RouteEntryQuota;

    /// <summary>Deletes the routes of clusters whose etcd is lost: <c>flanneld routes --remove-routes-of</c>.</summary>
    private async Task RemoveLostClustersAsync(HistoryCluster cluster)
    {
        var command = new RouteInventory(cluster.Leases.Cluster, [], @operator, time, new Random(1), new RecordingLogger());
        var existing = clusters.Select(one => one.Leases.Cluster).OfType<ClusterId>().Select(id => OwnershipMark.Of(id).Token).ToHashSet();
        var listing = await command.ListAsync(cluster.Leases.Snapshot, new VpcId(TestCloud.Region, "vpc-1"), CancellationToken.None);
        var lost = listing.OfOtherClusters.Where(route => cluster.LostMarks.Contains(route.Mark!) && !existing.Contains(route.Mark!)
            && !otherEntries.ContainsKey($"{route.Entry.RouteTableId} {route.Entry.DestinationText}")).ToList();
        await command.RemoveAsync(lost, () => Task.FromResult(cluster.Leases.Snapshot), CancellationToken.None);
    }

    private async Task TerraformAsync()
    {
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromMilliseconds(random.Next(1, 20000)));
            var destination = Ipv4Network.Parse($"172.20.{random.Next(8)}.0/24");
            var entries = (await terraform.DescribeRouteEntryListAsync(TestCloud.Region, "vtb-1", CancellationToken.None)).Value!;
            if (entries.FirstOrDefault(entry => entry.Destination == destination) is { } existing)
            {
                var deleted = await terraform.DeleteRouteEntriesAsync(TestCloud.Region, [existing], CancellationToken.None);
                if (deleted is { Ok: true, Value.Failures.Count: 0 }) otherEntries.Remove($"vtb-1 {destination}");
            }
            else if ((await terraform.CreateRouteEntryAsync(TestCloud.Region, New(destination, "i-x"), $"{time.Elapsed.Ticks}",
                CancellationToken.None)).Ok)
            {
                otherEntries[$"vtb-1 {destination}"] = $"vtb-1 {destination} i-x Available";
            }
        }
    }

    private static NewRouteEntry New(Ipv4Network destination, string instance) =>
        new("vtb-1", destination, new NextHop("Instance", instance), "", "");

    /// <summary>The old daemon: its lease does not name its instance; it creates its own route in the first table and does not delete
    /// it.</summary>
    private async Task OldDaemonAsync(int k)
    {
        var subnet = $"10.24.{60 + k}.0/24";
        var leases = clusters[0].Leases;
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromSeconds(random.Next(1, 100)));
            leases.Add(subnet, "ali-vpc", null);
            invariants[0].RecordLeases();
            for (var done = otherEntries.ContainsKey($"vtb-1 {subnet}"); !done && injectsFaults; await time.Pass(TimeSpan.FromSeconds(1)))
            {
                var result = await oldDaemon.CreateRouteEntryAsync(
                    TestCloud.Region, New(Ipv4Network.Parse(subnet), $"i-old-{k}"), $"{k}-{time.Elapsed.Ticks}", CancellationToken.None);
                done = result.Ok;
                if (done) otherEntries[$"vtb-1 {subnet}"] = $"vtb-1 {subnet} i-old-{k} Available";
            }

            await time.Pass(TimeSpan.FromSeconds(random.Next(20, 200)));
            leases.RemoveIfExists(subnet);
            invariants[0].RecordUpstreamLeft(subnet);
        }

        leases.RemoveIfExists(subnet);
    }

    private async Task PermissionsAsync()
    {
        while (injectsFaults)
        {
            await time.Pass(TimeSpan.FromSeconds(random.Next(20, 120)));
            if (random.Next(3) == 0)
            {
                isUnavailable = true;
                await time.Pass(TimeSpan.FromSeconds(random.Next(5, 150)));
                isUnavailable = false;
                continue;
            }

            var key = ClusterPlans[random.Next(ClusterPlans.Length)].KeyId;
            cloud.Console.SetAccessKey(
                new AccessKeySetup { Id = key, Secret = Secret, DeniedActions = DeniedPermissions[random.Next(DeniedPermissions.Length)] });
            await time.Pass(TimeSpan.FromSeconds(random.Next(5, 100)));
            cloud.Console.SetAccessKey(new AccessKeySetup { Id = key, Secret = Secret });
        }
    }
}
