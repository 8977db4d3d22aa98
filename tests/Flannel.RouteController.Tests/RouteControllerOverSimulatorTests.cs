using AliCloud.Simulator;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;
using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.RouteController.Tests;

/// <summary>The controller with the real client over sockets against the simulated cloud, on the system's clock. It finds errors that the
/// in-memory API hides.</summary>
public sealed class RouteControllerOverSimulatorTests
{
    private const string Region = TestCloud.Region;

    [Fact]
    public async Task Twenty_nodes_in_two_tables_take_few_writes_and_no_unmanaged_entry_changes()
    {
        await using var fixture = await Fixture.StartAsync();
        var unmanaged = fixture.Cloud.State.CustomRoutes();
        for (var i = 1; i <= 20; i++) fixture.Join(i);
        await fixture.UntilAvailable(Enumerable.Range(1, 20));

        var routes = fixture.Cloud.State.CustomRoutes();
        Assert.All(unmanaged, entry => Assert.Contains(entry, routes));
        Assert.Equal(unmanaged.Count + 40, routes.Count);
        for (var i = 1; i <= 20; i++)
        {
            Assert.Equal(2, routes.Count(r =>
                r.DestinationCidrBlock == $"10.24.{i}.0/24" && r.NextHopId == $"i-{i}" && r.RouteEntryName == Cluster.Mark.Token));
        }

        Assert.InRange(fixture.Writes, 1, 6);
        Assert.DoesNotContain(fixture.Cloud.State.Snapshot().Interfaces, i => i.SourceDestCheck && i.NetworkInterfaceId != "eni-1b");
        Assert.DoesNotContain(fixture.Cloud.Calls.All, call => call.Code == "TaskConflict");
    }

    [Fact]
    public async Task Deleted_changed_and_stale_routes_are_repaired()
    {
        await using var fixture = await Fixture.StartAsync();
        for (var i = 1; i <= 3; i++) fixture.Join(i);
        await fixture.UntilAvailable([1, 2, 3]);
        var routes = fixture.Cloud.State.CustomRoutes().Where(r => r.RouteTableId == "vtb-1").ToList();
        fixture.Cloud.Console.DeleteRoute("vtb-1", "10.24.1.0/24");
        fixture.Cloud.Console.UpdateRoute(routes.Single(r => r.DestinationCidrBlock == "10.24.2.0/24").RouteEntryId, "i-9");
        fixture.Leases.Remove("10.24.3.0/24");
        await fixture.Cloud.DeleteInstanceAsync("i-3", force: true);
        fixture.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup { DestinationCidrBlock = "10.24.77.0/24", NextHopId = "i-9" });
        await Eventually.Is(() => fixture.Routes("vtb-1") == "10.24.1.0/24 i-1, 10.24.2.0/24 i-2, 10.24.77.0/24 i-9");
        await Eventually.Is(() => fixture.Routes("vtb-2") == "10.24.1.0/24 i-1, 10.24.2.0/24 i-2");
        Assert.Equal(1, fixture.Cloud.Calls.Count("vpc", "ModifyRouteEntry"));
    }

    [Theory]
    [InlineData(FaultKind.Code, "TaskConflict")]
    [InlineData(FaultKind.Code, "IncorrectRouteEntryStatus")]
    [InlineData(FaultKind.Code, "ServiceUnavailable")]
    [InlineData(FaultKind.DropAfterSuccess, null)]
    [InlineData(FaultKind.DropConnection, null)]
    [InlineData(FaultKind.Status, null)]
    public async Task A_failed_write_is_retried(FaultKind kind, string? code)
    {
        await using var fixture = await Fixture.StartAsync();
        fixture.Cloud.Faults.Add(new Fault
        {
            Service = "vpc",
            Action = "CreateRouteEntries",
            Kind = kind,
            Code = code,
            Times = 2,
            HttpStatus = 503,
        });
        for (var i = 1; i <= 2; i++) fixture.Join(i);
        await fixture.UntilAvailable([1, 2]);
        Assert.Equal("10.24.1.0/24 i-1, 10.24.2.0/24 i-2", fixture.Routes("vtb-1"));
        Assert.InRange(fixture.Writes, 1, 6);
    }

    [Fact]
    public async Task A_table_is_filled_and_the_other_nodes_have_the_status_QuotaExceeded()
    {
        // vtb-1 has the default route; TR entries do not count.
        await using var fixture = await Fixture.StartAsync(setup => setup with { Settings = setup.Settings with { RouteEntryQuota = 4 } });
        for (var i = 1; i <= 5; i++) fixture.Join(i);
        await Eventually.Is(() => fixture.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.QuotaExceeded) == 2);
        await Eventually.Is(() => fixture.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.Available) == 3);
        Assert.Contains(
            fixture.Term.Statuses.ByKey.Values, s => s.Message.Contains("vpc_quota_route_entrys_num", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unknown_instance_is_rejected_and_the_other_nodes_are_available()
    {
        await using var fixture = await Fixture.StartAsync();
        fixture.Leases.Add("10.24.99.0/24", "i-unknown");
        for (var i = 1; i <= 4; i++) fixture.Join(i);
        await fixture.UntilAvailable([1, 2, 3, 4]);
        await Eventually.Is(() => fixture.Term.Statuses.ByKey.TryGetValue("10.24.99.0-24", out var s) && s.State == RouteState.Rejected);
        Assert.NotEqual("", fixture.Term.Statuses.ByKey["10.24.99.0-24"].RequestId);
    }

    [Fact]
    public async Task A_missing_permission_ends_the_term_and_is_named()
    {
        await using var fixture = await Fixture.StartAsync(key: "LTAIread");
        fixture.Join(1);
        Assert.Equal(new TermResult.Denied("vpc:CreateRouteEntry"),
            await fixture.Running.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Equal(RouteState.Denied, fixture.Term.Statuses.ByKey["10.24.1.0-24"].State);
    }

    [Fact]
    public async Task An_unavailable_API_makes_only_new_nodes_wait()
    {
        await using var fixture = await Fixture.StartAsync();
        fixture.Join(1);
        await fixture.UntilAvailable([1]);
        await fixture.Cloud.StopApiAsync();
        fixture.Join(2);
        await Eventually.Is(() => fixture.Term.Statuses.ByKey.TryGetValue("10.24.2.0-24", out var s) && s.State == RouteState.Unreachable);
        Assert.Equal(RouteState.Available, fixture.Term.Statuses.ByKey["10.24.1.0-24"].State);
        await fixture.Cloud.StartApiAsync(TestContext.Current.CancellationToken);
        await fixture.UntilAvailable([2]);
    }

    [Fact]
    public async Task Behind_a_gateway_that_resets_every_long_request_all_routes_are_created_in_short_ones()
    {
        await using var fixture = await Fixture.StartAsync(runs: false);
        fixture.Cloud.Faults.Add(new Fault
        {
            Service = "vpc",
            Action = "CreateRouteEntries",
            Kind = FaultKind.DropConnection,
            EntriesBeyond = 5,
            Times = -1,
        });
        for (var i = 1; i <= 20; i++) fixture.Join(i);
        fixture.Run();
        await fixture.UntilAvailable(Enumerable.Range(1, 20));
        Assert.False(fixture.Running.IsCompleted);
        Assert.InRange(fixture.Log.Count(3526), 2, 6);
    }

    [Fact]
    public async Task The_probe_and_the_dry_run_write_nothing()
    {
        await using var fixture = await Fixture.StartAsync(key: "LTAIread");
        var self = new AliVpcBackendData(Region, "vpc-1", "vsw-1", "i-1", "eni-i-1", true);
        Assert.IsType<PermissionProbeResult.Allowed>(
            await PermissionProbe.CanControlAsync(
                new PrefetchingCloudApi(fixture.Api, TimeProvider.System), self, _ => Task.FromResult(true),
                TestContext.Current.CancellationToken));
        fixture.Leases.Add("10.24.1.0/24", "i-1");
        var run = await RouteDryRun.RunAsync(
            fixture.Leases.Snapshot, InMemoryTerm.OurCluster, fixture.Options.RouteTableIds, fixture.Api, fixture.Log,
            TestContext.Current.CancellationToken);
        Assert.Equal((1, true), (run.Changes, run.Complete));
        // Both the batch and the single call: the controller would try one after the other.
        Assert.Contains("missing permission vpc:CreateRouteEntries for vtb-1\n", run.Text, StringComparison.Ordinal);
        Assert.Contains("missing permission vpc:CreateRouteEntry for vtb-1\n", run.Text, StringComparison.Ordinal);
        Assert.Equal("", fixture.Routes("vtb-1"));
    }

    [Theory]
    [InlineData("vpc:ModifyRouteEntry")]
    [InlineData("vpc:DeleteRouteEntries")]
    public async Task The_dry_run_of_the_API_finds_each_missing_permission_of_the_plan(string action)
    {
        var key = new AccessKeySetup { Id = "LTAIpart", Secret = KeySecret, DeniedActions = [action] };
        await using var fixture = await Fixture.StartAsync(setup => setup with { AccessKeys = [.. setup.AccessKeys, key] },
            key.Id, runs: false);
        fixture.Cloud.Console.CreateRoute("vtb-1", new RouteEntrySetup { DestinationCidrBlock = "10.24.1.0/24", NextHopId = "i-9" });
        fixture.Cloud.Console.CreateRoute("vtb-1",
            new RouteEntrySetup { DestinationCidrBlock = "10.24.5.0/24", NextHopId = "i-9", RouteEntryName = Cluster.Mark.Token });
        for (var i = 1; i <= 3; i += 2) fixture.Leases.Add($"10.24.{i}.0/24", $"i-{i}");
        var before = fixture.Cloud.State.CustomRoutes();
        var run = await RouteDryRun.RunAsync(
            fixture.Leases.Snapshot, InMemoryTerm.OurCluster, fixture.Options.RouteTableIds, fixture.Api, fixture.Log,
            TestContext.Current.CancellationToken);
        Assert.Equal((3, true), (run.Changes, run.Complete));
        Assert.Contains($"missing permission {action} for vtb-1\n", run.Text, StringComparison.Ordinal);
        Assert.Equal(2, run.Text.Split("the API would carry out").Length - 1);
        Assert.Equal(before, fixture.Cloud.State.CustomRoutes());
    }

    [Fact]
    public async Task A_transit_routers_entry_in_place_of_a_route_is_kept_and_reported_marked_or_not()
    {
        await using var fixture = await Fixture.StartAsync(runs: false);
        var hosted = new RouteEntrySetup
        {
            DestinationCidrBlock = "10.24.2.0/24",
            NextHopType = "Attachment",
            NextHopId = "tr-1",
            ServiceType = "TR",
            RouteEntryName = Cluster.Mark.Token,
        };
        fixture.Cloud.Console.CreateRoute("vtb-1", hosted);
        fixture.Cloud.Console.CreateRoute("vtb-1", hosted with { DestinationCidrBlock = "10.24.9.0/24" });
        fixture.Join(2);
        fixture.Join(4);
        fixture.Run();
        await Eventually.Is(() => fixture.Term.Statuses.ByKey.TryGetValue("10.24.2.0-24", out var s) && s.State == RouteState.Conflict);
        await fixture.UntilAvailable([4]);
        await Task.Delay(fixture.Options.StaleGrace + fixture.Options.Resync, TestContext.Current.CancellationToken);
        Assert.Contains("Attachment tr-1", fixture.Term.Statuses.ByKey["10.24.2.0-24"].Message, StringComparison.Ordinal);
        Assert.Equal(2, fixture.Cloud.State.CustomRoutes()
            .Count(r => r is { NextHopId: "tr-1" } && r.DestinationCidrBlock.StartsWith("10.24.", StringComparison.Ordinal)));
        Assert.Equal(0, fixture.Cloud.Calls.Count("vpc", "DeleteRouteEntries"));
    }

    private sealed class Fixture : IAsyncDisposable
    {
        private readonly CancellationTokenSource stop = new();

        public required SimulatedCloud Cloud { get; init; }
        public required CloudApi Api { get; init; }
        public RouteControllerOptions Options { get; } = new([])
        {
            Resync = TimeSpan.FromSeconds(1),
            FullResyncInterval = 2,
            StaleGrace = TimeSpan.FromSeconds(2),
        };

        public InMemoryLeases Leases { get; } = new();
        public RecordingLogger Log { get; } = new();
        public InMemoryTerm Term { get; private set; } = null!;
        public Task<TermResult> Running { get; private set; } = Task.FromResult<TermResult>(new TermResult.Stopped());

        public int Writes => Cloud.Calls.All.Count(call => call.Service == "vpc"
            && call.Action.EndsWith("RouteEntries", StringComparison.Ordinal)
            || call.Action is "CreateRouteEntry" or "ModifyRouteEntry" or "DeleteRouteEntry");

        /// <param name="runs">False: the controller does not start before <see cref="Run"/>.</param>
        public static async Task<Fixture> StartAsync(Func<CloudSetup, CloudSetup>? change = null, string key = KeyId, bool runs = true)
        {
            var setup = TestCloud.CloudSetup with
            {
                Settings = new CloudSettings { RouteWriteMilliseconds = 200, ApiLatencyMilliseconds = 5 },
                Instances = [.. Enumerable.Range(1, 20).Select(i => Node(i))],
            };
            var cloud = await SimulatedCloud.StartAsync(change?.Invoke(setup) ?? setup,
                cancellationToken: TestContext.Current.CancellationToken);
            var endpoint = CloudEndpoint.Parse(cloud.Api.GetLeftPart(UriPartial.Authority)).Value;
            var log = new RecordingLogger();
            var fixture = new Fixture
            {
                Cloud = cloud,
                Api = new CloudApi(
                    Contexts.Create(
                        new CloudApiOptions { ProgramVersion = "test", VpcEndpoint = endpoint, EcsEndpoint = endpoint },
                        logger: log, random: new Random()),
                    StaticCredentials.Of(key, KeySecret)),
            };
            fixture.Term = new InMemoryTerm(TimeProvider.System, fixture.Leases);
            if (runs) fixture.Run();
            return fixture;
        }

        public void Run()
        {
            var context = new ControllerContext(TimeProvider.System, new Random(1), Log, new LivenessMonitor(TimeProvider.System));
            var controller = new ClusterReconciler(Options, Leases, Api, context);
            Running = controller.RunAsync(Term, stop.Token);
        }

        private static InstanceSetup Node(int i) =>
            Instance($"i-{i}", Interface($"eni-i-{i}", i, VSwitch(i), $"192.168.{(i % 2) + 1}.{100 + i}")) with { MetadataPort = null };

        private static string VSwitch(int i) => $"vsw-{(i % 2) + 1}";

        public void Join(int i) => Leases.Add($"10.24.{i}.0/24", $"i-{i}", vSwitch: VSwitch(i));

        /// <summary>The entries inside the network that a router uses.</summary>
        public string Routes(string table) => string.Join(", ", Cloud.State.CustomRoutes()
            .Where(r => r.RouteTableId == table && r.DestinationCidrBlock.StartsWith("10.24.", StringComparison.Ordinal) && r.Forwards)
            .Select(r => $"{r.DestinationCidrBlock} {r.NextHopId}").Order(StringComparer.Ordinal));

        public Task UntilAvailable(IEnumerable<int> nodes) => Eventually.Is(() =>
            nodes.All(i => Term.Statuses.ByKey.TryGetValue($"10.24.{i}.0-24", out var status) && status.State == RouteState.Available));

        public async ValueTask DisposeAsync()
        {
            // For the analysis of a failure.
            foreach (var line in Log.Lines.Where(line => line.Id >= 3500))
                TestContext.Current.TestOutputHelper?.WriteLine($"{line.Id} {line.Text}");
            foreach (var status in Term.Statuses.ByKey.Values) TestContext.Current.TestOutputHelper?.WriteLine(status.ToString());
            await stop.CancelAsync();
            await Running.WaitAsync(TimeSpan.FromSeconds(30));
            Api.Dispose();
            Term.Dispose();
            stop.Dispose();
            await Cloud.DisposeAsync();
        }
    }
}
