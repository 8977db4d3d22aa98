using AliCloud.Simulator;
using AliCloud.Simulator.State;
using AliCloud.Simulator.Worlds;
using Flannel.AliVpc.Api;
using Flannel.AliVpc.Control;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.AliVpc.Tests.Support;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using EntryStatus = AliCloud.Simulator.State.RouteStatus;
using RouteStatus = Flannel.Core.Routes.RouteStatus;
using static Flannel.AliVpc.Tests.Control.Simulation.VirtualWire;

namespace Flannel.AliVpc.Tests.Control.Simulation;

/// <summary>The real controller with the real client over the simulated cloud, in virtual time, through one history that a seed decides: nodes come, leave, are
/// released; an operator, a Terraform and nodes of the old daemon write as well; calls fail in every way; rights and quota come and go; and the election is lost at any
/// step.</summary>
internal sealed class RouteHistory : IAsyncDisposable
{
    private const string ControllerKey = "LTAIcontroller";
    private const string TerraformKey = "LTAIterraform";
    private const string OldDaemonKey = "LTAIold";
    private const string Secret = "a-secret-of-the-simulation";
    private const int Nodes = 30;
    private const int Subnets = 24;
    private const int OldDaemons = 4;
    private const int Quota = 100;

    private static readonly OwnershipMark OtherCluster = OwnershipMark.For("/other", Ipv4Network.Parse("10.24.0.0/16"));

    private static readonly string[][] Refusals =
    [
        ["vpc:CreateRouteEntries"], ["vpc:CreateRouteEntr*"], ["vpc:ModifyRouteEntry"], ["vpc:DeleteRouteEntries"], ["vpc:DescribeRouteEntryList"],
        ["vpc:DescribeRouteTableList"], ["vpc:DescribeVpcAttribute", "vpc:DescribeVSwitches"], ["ecs:*"], ["quotas:*"],
    ];

    private readonly VirtualTime time;
    private readonly Random chance;
    private readonly SimulatedCloud cloud;
    private readonly VirtualWire wire;
    private readonly CloudApi controllerApi;
    private readonly CloudApi terraform;
    private readonly CloudApi oldDaemon;
    private readonly RouteController controller;
    private readonly Dictionary<int, string> subnetOf = [];
    private readonly HashSet<int> leaving = [];
    private readonly HashSet<int> gone = [];
    private readonly Dictionary<string, string> foreign = [];
    private readonly Dictionary<string, string> tableOf = new() { ["vsw-1"] = "vtb-1", ["vsw-2"] = "vtb-2" };
    private FakeTerm term;
    private bool isTroubled = true;
    private bool isAway;
    private int mishaps;

    public RouteHistory(VirtualTime time, int seed)
    {
        this.time = time;
        chance = new Random(seed);
        cloud = SimulatedCloud.Create(World(), new SimulatedCloudOptions { Time = time, Random = new Random(seed) });
        Invariants = new RouteInvariants(time, cloud.State, Leases);
        wire = new VirtualWire(time, cloud.InProcess()) { Trouble = TroubleOf, Watch = OnStep };
        (controllerApi, terraform, oldDaemon) = (Client(ControllerKey, seed), Client(TerraformKey, seed + 1), Client(OldDaemonKey, seed + 2));
        controller = new RouteController(new RouteControllerOptions("/coreos.com/network", []), Leases, controllerApi, time, new Random(seed), Log);
        term = NewTerm([]);
        foreach (var entry in cloud.State.CustomRoutes()) foreign.Add(Place(entry), Line(entry));
    }

    public FakeLeases Leases { get; } = new();

    public RecordingLogger Log { get; } = new();

    public RouteInvariants Invariants { get; }

    /// <summary>What somebody did that takes a write to follow: a lease more or less, a route deleted or turned, a table that a vSwitch moved to.</summary>
    public int Changes { get; private set; }

    /// <summary>Writes of the controller that went wrong on their way or were refused, and elections that it lost.</summary>
    public int Faults => mishaps + Losses + cloud.Calls.All.Count(call =>
        call.AccessKeyId == ControllerKey && call.Code is not null && VirtualWire.Request.Writes(call.Action));

    public string Summary => string.Join(", ", cloud.Calls.Summary());

    public int Losses { get; private set; }

    /// <summary>Calls that write, made by the controller.</summary>
    public int Writes { get; private set; }

    public IReadOnlyDictionary<string, RouteStatus> Statuses => term.Statuses;

    /// <summary>Everything at once for a while, then quiet for as long as the slowest repair takes.</summary>
    public async Task RunAsync(TimeSpan troubled, TimeSpan quiet)
    {
        Join(0, "10.24.0.0/24");
        Terms();
        Task[] actors = [NodesAsync(), OperatorAsync(), TerraformAsync(), RightsAsync(), .. Enumerable.Range(0, OldDaemons).Select(OldDaemonAsync)];
        await time.Pass(troubled);
        isTroubled = false;
        await Task.WhenAll(actors);
        Leases.IsWhole = true;
        Leases.Touch();
        await time.Pass(quiet);
    }

    /// <summary>The entries of all tables that anybody made, one a line; those of the tables that serve nobody now count only if they do not belong to a living lease.</summary>
    public IEnumerable<string> Actual() => cloud.State.CustomRoutes()
        .Where(entry => Serving().Contains(entry.RouteTableId) || !(RouteInvariants.IsMarked(entry) && IsRight(entry))).Select(Line).Order(StringComparer.Ordinal);

    public IEnumerable<string> Wanted() => Leases.Snapshot.Leases.Where(lease => lease.Attributes.BackendData is not null)
        .SelectMany(lease => Serving().Select(table => $"{table} {lease.Subnet} {Hop(AliVpcBackendData.Parse(lease.Attributes.BackendData)!)} Available"))
        .Concat(foreign.Values).Order(StringComparer.Ordinal);

    public IEnumerable<string> ChecksThatAreOn() => cloud.State.Look().Interfaces.Where(i => i.SourceDestCheck
        && Leases.Snapshot.Leases.Any(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData)?.NetworkInterfaceId == i.NetworkInterfaceId))
        .Select(i => i.NetworkInterfaceId);

    public async ValueTask DisposeAsync()
    {
        term.Dispose();
        controllerApi.Dispose();
        terraform.Dispose();
        oldDaemon.Dispose();
        await cloud.DisposeAsync();
    }

    private static World World() => new()
    {
        RegionId = TestCloud.Region,
        Settings = new WorldSettings { RouteEntryQuota = Quota },
        AccessKeys = [.. new[] { ControllerKey, TerraformKey, OldDaemonKey }.Select(id => new WorldAccessKey { Id = id, Secret = Secret })],
        Vpcs =
        [
            new WorldVpc
            {
                VpcId = "vpc-1",
                CidrBlock = "192.168.0.0/16",
                RouteTables =
                [
                    new WorldRouteTable
                    {
                        RouteTableId = "vtb-1",
                        Entries =
                        [
                            new WorldRouteEntry { DestinationCidrBlock = "0.0.0.0/0", NextHopType = "NatGateway", NextHopId = "ngw-1", RouteEntryName = Cluster.Mark.Token },
                            Foreign("10.25.3.0/24", Cluster.Mark.Token), Foreign("10.24.200.0/24", ""), Foreign("10.24.201.0/24", OtherCluster.Token),
                            Foreign("10.24.0.0/20", ""),
                            // A transit router's, with our mark and all: the API would refuse to touch it, and we do not even try.
                            Foreign("10.24.202.0/24", Cluster.Mark.Token) with { ServiceType = "TR" },
                        ],
                    },
                    new WorldRouteTable { RouteTableId = "vtb-2", RouteTableType = "Custom", Entries = [Foreign("10.24.203.0/24", "")] },
                    new WorldRouteTable { RouteTableId = "vtb-gw", RouteTableType = "Custom", AssociateType = "Gateway" },
                ],
                VSwitches = [VSwitch(1), VSwitch(2)],
            },
        ],
        Instances = [.. Enumerable.Range(0, Nodes).Select(Instance), .. Enumerable.Range(0, OldDaemons).Select(k => Other($"i-old-{k}", 100 + k)), Other("i-x", 99)],
    };

    private static WorldRouteEntry Foreign(string destination, string name) =>
        new() { DestinationCidrBlock = destination, NextHopId = "i-x", RouteEntryName = name };

    private static WorldVSwitch VSwitch(int n) => new() { VSwitchId = $"vsw-{n}", CidrBlock = $"192.168.{n}.0/24", ZoneId = "cn-hangzhou-h", RouteTableId = $"vtb-{n}" };

    private static bool IsPrimary(int node) => node % 5 != 4;

    private static string VSwitchOf(int node) => $"vsw-{node % 2 + 1}";

    private static WorldInstance Instance(int node)
    {
        var own = TestCloud.Interface($"eni-i-{node}", node, VSwitchOf(node), $"192.168.{node % 2 + 1}.{20 + node}");
        var main = TestCloud.Interface($"eni-main-{node}", 500 + node, "vsw-1", $"192.168.1.{120 + node}");
        return TestCloud.Instance($"i-{node}", IsPrimary(node) ? [own] : [main, own]) with { MetadataPort = null, RamRole = null };
    }

    private static WorldInstance Other(string id, int n) =>
        TestCloud.Instance(id, TestCloud.Interface($"eni-{id}", n, "vsw-1", $"192.168.1.{n + 100}")) with { MetadataPort = null, RamRole = null };

    private static string Place(RouteView entry) => $"{entry.RouteTableId} {entry.DestinationCidrBlock}";

    private static string Line(RouteView entry) => $"{entry.RouteTableId} {entry.DestinationCidrBlock} {entry.NextHopId} {entry.Status}";

    private static string Hop(AliVpcBackendData node) => node.PrimaryInterface ? node.InstanceId : node.NetworkInterfaceId;

    private CloudApi Client(string key, int seed)
    {
        var endpoint = CloudEndpoint.Parse("http://cloud.test", out _);
        var options = new CloudApiOptions { ProgramVersion = "test", VpcEndpoint = endpoint, EcsEndpoint = endpoint, QuotasEndpoint = endpoint };
        return new CloudApi(options, StaticCredentials.Of(key, Secret), time, new Random(seed), new RecordingLogger(), wire);
    }

    private bool IsRight(RouteView entry) => Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == entry.DestinationCidrBlock
        && AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node && Hop(node) == entry.NextHopId);

    private HashSet<string> Serving()
    {
        var used = Leases.Snapshot.Leases.Select(lease => AliVpcBackendData.Parse(lease.Attributes.BackendData)?.VSwitchId).ToHashSet();
        return [.. new[] { "vsw-1", "vsw-2" }.Where(used.Contains).Select(id => tableOf[id])];
    }

    // --- what happens at each step of a call and of etcd

    private Mishap TroubleOf(Request request)
    {
        if (request.KeyId != ControllerKey || !isTroubled) return Mishap.None;
        if (!isAway && chance.NextDouble() > 0.12) return Mishap.None;
        if (request.IsWrite) mishaps++;
        if (isAway) return Mishap.NoConnection;
        return (Mishap)chance.Next(1, Enum.GetValues<Mishap>().Length);
    }

    private void OnStep(Request request, Moment moment)
    {
        if (request.KeyId != ControllerKey) return;
        if (request.IsWrite)
        {
            switch (moment)
            {
                case Moment.Sent:
                    Writes++;
                    Invariants.Sent(request, term.Lost.IsCancellationRequested);
                    break;
                case Moment.Arrived: Invariants.Arrived(request); break;
                case Moment.Over: Invariants.Over(); break;
            }
        }

        // Not at the end: whoever was cancelled gets there as well.
        if (moment != Moment.Over) MayLose(0.006);
    }

    private void MayLose(double probability)
    {
        if (!isTroubled || term.Lost.IsCancellationRequested || chance.NextDouble() > probability) return;
        Losses++;
        term.Lose();
    }

    private FakeTerm NewTerm(IEnumerable<KeyValuePair<string, RouteStatus>> statuses) =>
        new(time, Leases) { Statuses = new(statuses), OnStep = () => MayLose(0.006) };

    /// <summary>One controller after the other, as the election lets them in.</summary>
    private async void Terms()
    {
        while (true)
        {
            await controller.RunAsync(term, CancellationToken.None);
            await time.Pass(TimeSpan.FromSeconds(1));
            var next = NewTerm(term.Statuses);
            term.Dispose();
            term = next;
        }
    }

    // --- who else is there

    private async Task NodesAsync()
    {
        while (isTroubled)
        {
            await time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 6000)));
            var subnet = $"10.24.{chance.Next(1, Subnets)}.0/24";
            var node = chance.Next(1, Nodes);
            if (gone.Contains(node)) continue;
            if (subnetOf.TryGetValue(node, out var own)) Leave(node, own);
            else if (!subnetOf.ContainsValue(subnet)) Join(node, subnet);
        }
    }

    private void Join(int node, string subnet)
    {
        Changes++;
        subnetOf[node] = subnet;
        cloud.Console.SetSourceDestCheck($"eni-i-{node}", true);
        Leases.Add(subnet, $"i-{node}", vSwitch: VSwitchOf(node), primary: IsPrimary(node));
        Invariants.Leased();
    }

    private async void Leave(int node, string subnet)
    {
        if (!leaving.Add(node)) return;
        Changes++;
        Invariants.Leased();
        if (chance.Next(3) == 0)
        {
            // flanneld release: first the word, then, when the controller says so or after its patience, the lease.
            Leases.Release(subnet);
            var began = time.Elapsed;
            while (!(Statuses.TryGetValue(subnet.Replace('/', '-'), out var status) && status.State == RouteState.Released) && time.Elapsed - began < TimeSpan.FromSeconds(30))
                await time.Pass(TimeSpan.FromMilliseconds(200));
        }

        Invariants.Leased();
        Leases.Remove(subnet);
        term.Statuses.TryRemove(subnet.Replace('/', '-'), out _);
        subnetOf.Remove(node);
        leaving.Remove(node);
        if (chance.Next(4) != 0) return;
        gone.Add(node);
        await cloud.DeleteInstanceAsync($"i-{node}", force: true);
    }

    private async Task OperatorAsync()
    {
        while (isTroubled)
        {
            await time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 15000)));
            var ours = cloud.State.CustomRoutes().Where(entry => RouteInvariants.IsMarked(entry) && entry is { ServiceType: null, Status: EntryStatus.Available }
                && entry.DestinationCidrBlock.StartsWith("10.24.", StringComparison.Ordinal)).ToList();
            var some = ours.Count > 0 ? ours[chance.Next(ours.Count)] : null;
            switch (chance.Next(7))
            {
                case 0 or 1 when some is not null:
                    Changes++;
                    cloud.Console.DeleteRoute(some.RouteEntryId);
                    break;
                case 2 when some is not null:
                    Changes++;
                    cloud.Console.RepointRoute(some.RouteEntryId, "i-x");
                    break;
                case 3:
                    Leases.IsWhole = chance.Next(3) > 0;
                    Leases.Touch();
                    break;
                case 4:
                    Changes += 2;
                    tableOf["vsw-2"] = chance.Next(2) == 0 ? "vtb-1" : "vtb-2";
                    cloud.Console.SetRouteTable("vsw-2", tableOf["vsw-2"]);
                    break;
                case 5:
                    await SquatAsync();
                    break;
                case 6:
                    cloud.Console.Settings = cloud.Console.Settings with { RouteEntryQuota = chance.Next(2) == 0 ? Quota : 15 };
                    break;
            }
        }

        cloud.Console.Settings = cloud.Console.Settings with { RouteEntryQuota = Quota };
    }

    /// <summary>Another cluster's entry stands where a route of ours may come to belong, for a while; and somebody's own for ever.</summary>
    private async Task SquatAsync()
    {
        var subnet = $"10.24.{chance.Next(1, Subnets)}.0/24";
        var entries = cloud.State.CustomRoutes();
        if (entries.Any(entry => entry.DestinationCidrBlock == subnet || entry.Status != EntryStatus.Available)) return;
        if (IsFull()) return;
        Changes++;
        cloud.Console.CreateRoute("vtb-1", Foreign(subnet, OtherCluster.Token));
        await time.Pass(TimeSpan.FromSeconds(chance.Next(5, 120)));
        var squatter = Assert.Single(cloud.State.CustomRoutes(), entry => entry.RouteTableId == "vtb-1" && entry.DestinationCidrBlock == subnet);
        if (squatter.RouteEntryName != OtherCluster.Token || squatter.NextHopId != "i-x") Invariants.Broken.Add($"another cluster's entry was touched: {squatter}");
        cloud.Console.DeleteRoute(squatter.RouteEntryId);
        var own = $"10.24.{chance.Next(100, 120)}.0/24";
        if (foreign.ContainsKey($"vtb-1 {own}") || IsFull()) return;
        cloud.Console.CreateRoute("vtb-1", Foreign(own, ""));
        foreign.Add($"vtb-1 {own}", $"vtb-1 {own} i-x Available");
    }

    private bool IsFull() => cloud.State.CustomRoutes().Count(entry => entry.RouteTableId == "vtb-1") >= cloud.Console.Settings.RouteEntryQuota;

    private async Task TerraformAsync()
    {
        while (isTroubled)
        {
            await time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 20000)));
            var destination = Ipv4Network.Parse($"172.20.{chance.Next(8)}.0/24");
            var entries = (await terraform.DescribeRouteEntryListAsync(TestCloud.Region, "vtb-1", CancellationToken.None)).Value!;
            if (entries.FirstOrDefault(entry => entry.Destination == destination) is { } there)
            {
                var deleted = await terraform.DeleteRouteEntriesAsync(TestCloud.Region, [there], CancellationToken.None);
                if (deleted is { Ok: true, Value.Failures.Count: 0 }) foreign.Remove($"vtb-1 {destination}");
            }
            else if ((await terraform.CreateRouteEntryAsync(TestCloud.Region, New(destination, "i-x"), $"{time.Elapsed.Ticks}", CancellationToken.None)).Ok)
            {
                foreign[$"vtb-1 {destination}"] = $"vtb-1 {destination} i-x Available";
            }
        }
    }

    private static NewRouteEntry New(Ipv4Network destination, string instance) => new("vtb-1", destination, new NextHop("Instance", instance), "", "");

    /// <summary>The old daemon: leases without a word on its instance, writes its own route into the first table, leaves it behind.</summary>
    private async Task OldDaemonAsync(int k)
    {
        var subnet = $"10.24.{60 + k}.0/24";
        while (isTroubled)
        {
            await time.Pass(TimeSpan.FromSeconds(chance.Next(1, 100)));
            Leases.Add(subnet, "ali-vpc", null);
            Invariants.Leased();
            for (var done = foreign.ContainsKey($"vtb-1 {subnet}"); !done && isTroubled; await time.Pass(TimeSpan.FromSeconds(1)))
            {
                var answer = await oldDaemon.CreateRouteEntryAsync(
                    TestCloud.Region, New(Ipv4Network.Parse(subnet), $"i-old-{k}"), $"{k}-{time.Elapsed.Ticks}", CancellationToken.None);
                done = answer.Ok;
                if (done) foreign[$"vtb-1 {subnet}"] = $"vtb-1 {subnet} i-old-{k} Available";
            }

            await time.Pass(TimeSpan.FromSeconds(chance.Next(20, 200)));
            Leases.Remove(subnet);
            Invariants.Unleased(subnet);
        }
    }

    private async Task RightsAsync()
    {
        while (isTroubled)
        {
            await time.Pass(TimeSpan.FromSeconds(chance.Next(20, 120)));
            if (chance.Next(3) == 0)
            {
                isAway = true;
                await time.Pass(TimeSpan.FromSeconds(chance.Next(5, 150)));
                isAway = false;
                continue;
            }

            cloud.Console.SetAccessKey(new WorldAccessKey { Id = ControllerKey, Secret = Secret, DeniedActions = Refusals[chance.Next(Refusals.Length)] });
            await time.Pass(TimeSpan.FromSeconds(chance.Next(5, 100)));
            cloud.Console.SetAccessKey(new WorldAccessKey { Id = ControllerKey, Secret = Secret });
        }
    }
}
