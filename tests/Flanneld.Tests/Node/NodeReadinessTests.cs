using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Observability.Prometheus;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

public sealed class NodeReadinessTests : IDisposable
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private static readonly Lease Held = new(
        new SubnetKey(Subnet), new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null),
        new TestLeaseIdentity(10, 7), 10);

    private static readonly SubnetEnv Env = new(Ipv4Network.Parse("10.24.0.0/16"), Subnet, 1500, false);

    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));
    private readonly SystemdNotifier systemd = new(null);
    private readonly ControllerMetrics controllerMetrics = new();
    private readonly Counter rewrites = new();
    private NodeReadiness readiness;
    private NodeHealth health;

    public NodeReadinessTests()
    {
        readiness = CreateReadiness(NullLogger.Instance);
        health = CreateHealth();
    }

    private string SubnetPath => Path.Combine(directory, "subnet.env");

    private bool IsReady => health.Checks.All(check => check.Ok);

    public void Dispose()
    {
        systemd.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private NodeReadiness CreateReadiness(ILogger logger) =>
        new("etcd", systemd, controllerMetrics, time, time.GetTimestamp(), logger);

    private NodeHealth CreateHealth() => new(
        readiness, new DaemonMetrics { Controller = controllerMetrics }, new LivenessMonitor(time), time.GetUtcNow());

    private HostReconciler CreateNode(string? instanceId = "i-1", string? path = null, ILogger? logger = null, ISubnetFile? file = null)
    {
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8).Value;
        readiness = CreateReadiness(logger ?? NullLogger.Instance);
        health = CreateHealth();
        readiness.Apply(new NodeEvent.Acquired(Held, config, TimeSpan.FromHours(24), instanceId));
        var reconciler = new SubnetFileReconciler(file ?? new SubnetFile(path ?? SubnetPath), Env, logger ?? NullLogger.Instance)
        {
            Rewrites = rewrites,
        };
        return new HostReconciler(readiness, reconciler, null);
    }

    private static Task ReconcileAsync(HostReconciler node) => node.ReconcileAsync(TestContext.Current.CancellationToken);

    private async Task ApplyAsync(HostReconciler node, params LeaseEvent[] events)
    {
        foreach (var each in events)
        {
            readiness.Apply(new NodeEvent.LeaseChanged(each));
            await ReconcileAsync(node);
        }
    }

    private static LeaseEvent.RouteStatusChanged Route(RouteState state, string subnet = "10.24.5.0/24", string instance = "i-1") =>
        new(new RouteStatus(subnet, instance, ["vtb-1"], state, state == RouteState.Available ? "" : "why", "req-1", default));

    [Fact]
    public async Task The_file_is_written_when_the_route_is_available_and_not_before()
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), new LeaseEvent.RouteStatusChanged(null), Route(RouteState.Pending));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);

        await ApplyAsync(node, Route(RouteState.Available));
        Assert.Contains(
            "FLANNEL_SUBNET=10.24.5.1/24\n", await File.ReadAllTextAsync(SubnetPath, TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        Assert.True(IsReady);
    }

    [Fact]
    public void A_lease_that_does_not_expire_is_no_reservation()
    {
        CreateNode();
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8).Value;
        readiness.Apply(new NodeEvent.Acquired(Held, config, TimeToLive: null, "i-1"));
        Assert.Equal("10.24.5.0/24", health.Checks.Single(check => check.Name == "lease").Detail);
    }

    [Theory]
    [InlineData("10.24.6.0/24", "i-1")]
    [InlineData("10.24.5.0/24", "i-2")]
    public async Task A_status_for_another_subnet_or_instance_is_ignored(string subnet, string instance)
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available, subnet, instance));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
    }

    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.Conflict)]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Denied)]
    public async Task A_route_that_is_no_longer_available_removes_readiness_and_file_until_it_is_available_again(RouteState state)
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available), Route(state));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        Assert.Contains(health.Checks, check => check is { Name: "route", Ok: false } && check.Detail == $"{state} in vtb-1: why");

        await ApplyAsync(node, Route(RouteState.Available));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task The_file_of_an_earlier_run_stays_until_the_first_route_status()
    {
        await File.WriteAllTextAsync(SubnetPath, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held));
        Assert.True(File.Exists(SubnetPath));
        await ApplyAsync(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.False(File.Exists(SubnetPath));
    }

    [Fact]
    public async Task A_lost_lease_removes_the_file_and_ends_the_node_with_a_reason()
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        await ApplyAsync(node, new LeaseEvent.Lost(LeaseLoss.Deleted, "its key was deleted"));
        Assert.Equal(LeaseState.Lost, readiness.State.LeaseState);
        Assert.Equal(
            "subnet 10.24.5.0/24 is lost: its key was deleted; the next start leases a subnet again",
            NodeStatus.EndReason(readiness.State));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
    }

    [Fact]
    public async Task A_lease_that_expired_while_etcd_was_unavailable_is_not_used_until_its_route_is_available_again()
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available), new LeaseEvent.Unavailable("no answer"));
        Assert.True(IsReady);
        await ApplyAsync(node, new LeaseEvent.Expired());
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held with { Identity = new TestLeaseIdentity(30, 8) }));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await ApplyAsync(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.False(IsReady);
        await ApplyAsync(node, Route(RouteState.Available));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task The_file_of_an_earlier_run_stays_while_etcd_is_unavailable_until_the_lease_expires()
    {
        await File.WriteAllBytesAsync(SubnetPath, Env.ToBytes(), TestContext.Current.CancellationToken);
        var node = CreateNode();
        await ReconcileAsync(node);
        await ApplyAsync(node, new LeaseEvent.Unavailable("no answer"));
        Assert.True(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await ApplyAsync(node, new LeaseEvent.Expired());
        Assert.False(File.Exists(SubnetPath));
    }

    [Theory]
    [InlineData("FLANNEL_SUBNET=10.24.6.1/24\n")]
    [InlineData("invalid")]
    [InlineData("")]
    public async Task The_file_of_an_earlier_run_is_removed_at_once_if_it_names_another_subnet(string content)
    {
        await File.WriteAllTextAsync(SubnetPath, content, TestContext.Current.CancellationToken);
        await ReconcileAsync(CreateNode());
        Assert.False(File.Exists(SubnetPath));
    }

    [Fact]
    public async Task A_lease_that_is_taken_back_after_a_restore_of_etcd_removes_readiness_and_keeps_the_file()
    {
        var node = CreateNode();
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        var reattached = Held with { Identity = new TestLeaseIdentity(Held.Identity.Order, 8) };
        await ApplyAsync(node, new LeaseEvent.Confirmed(reattached), new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await ApplyAsync(node, Route(RouteState.Available));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_file_that_another_program_deleted_changed_or_made_unreadable_is_written_again_and_reported()
    {
        var log = new RecordingLogger();
        var node = CreateNode(logger: log);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));

        File.Delete(SubnetPath);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(log.Texts, line => line == $"rewrote {SubnetPath}: another program deleted it");

        await File.AppendAllTextAsync(SubnetPath, "FLANNEL_MTU=9000\n", TestContext.Current.CancellationToken);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(log.Texts, line => line == $"rewrote {SubnetPath}: another program changed its content");

        File.SetUnixFileMode(SubnetPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(log.Texts, line => line == $"rewrote {SubnetPath}: another program changed its mode");
        Assert.Equal(3, rewrites.Value);

        void AssertCorrect()
        {
            Assert.True(IsReady);
            Assert.Equal(Env.ToBytes(), File.ReadAllBytes(SubnetPath));
            Assert.Equal("0644", Convert.ToString((int)File.GetUnixFileMode(SubnetPath), 8).PadLeft(4, '0'));
        }
    }

    [Fact]
    public async Task While_a_changed_file_cannot_be_written_again_the_node_is_not_ready()
    {
        var file = new FullDisk();
        var log = new RecordingLogger();
        var node = CreateNode(file: file, logger: log);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        file.IsFull = true;
        file.Content = null;
        for (var i = 0; i < 3; i++) await ReconcileAsync(node);
        Assert.False(IsReady);
        Assert.Contains(health.Checks, check => check is { Name: "subnet-file", Ok: false, Detail: "no space" });
        Assert.Single(log.Texts, line => line.StartsWith("no space", StringComparison.Ordinal));

        file.IsFull = false;
        await ReconcileAsync(node);
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_full_or_read_only_folder_does_not_matter_while_the_file_is_correct_already()
    {
        var log = new RecordingLogger();
        var node = CreateNode(file: new FullDisk { IsFull = true, Content = Env.ToBytes() }, logger: log);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        Assert.True(IsReady);
        Assert.DoesNotContain(log.Texts, line => line.Contains("no space", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_configuration_and_its_route_status_remove_neither_readiness_nor_file()
    {
        var log = new RecordingLogger();
        var node = CreateNode(logger: log);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        await ApplyAsync(node, new LeaseEvent.ConfigChanged(new ConfigState.Missing()), Route(RouteState.Rejected));
        await ApplyAsync(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
        Assert.Single(log.Texts, line => line.StartsWith("route status of 10.24.5.0/24 (Rejected) not applied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Backend_alloc_requires_no_route()
    {
        await ApplyAsync(CreateNode(instanceId: null), new LeaseEvent.Confirmed(Held), new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task The_status_of_backend_alloc_names_no_route_controller()
    {
        var elected = new LeaseEvent.ControllerChanged(new ControllerHolder("i-9", "192.168.1.19"));
        await ApplyAsync(CreateNode(instanceId: null), new LeaseEvent.Confirmed(Held), elected);
        Assert.Equal("subnet 10.24.5.0/24, route: not required by the backend", readiness.Summary);

        await ApplyAsync(CreateNode(), new LeaseEvent.Confirmed(Held), elected);
        Assert.EndsWith(
            ", route: waiting for the route controller i-9 (192.168.1.19), which has published no status yet", readiness.Summary,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_waits_for_an_election_says_why_none_is_elected()
    {
        await ApplyAsync(CreateNode(), new LeaseEvent.Confirmed(Held));
        Assert.EndsWith("route: waiting for the route controller", readiness.Summary, StringComparison.Ordinal);
        readiness.Apply(new NodeEvent.LeaseChanged(new LeaseEvent.ControllerChanged(null)));
        Assert.EndsWith("route: waiting for the route controller: none is elected", readiness.Summary, StringComparison.Ordinal);

        readiness.Apply(new NodeEvent.VacancyExplained("none is elected; 1 node is not a candidate: i-1 (192.168.1.1): denied"));
        Assert.EndsWith(
            "route: waiting for the route controller: none is elected; 1 node is not a candidate: i-1 (192.168.1.1): denied",
            readiness.Summary, StringComparison.Ordinal);

        readiness.Apply(new NodeEvent.LeaseChanged(new LeaseEvent.ControllerChanged(new ControllerHolder("i-9", "192.168.1.19"))));
        Assert.DoesNotContain("denied", readiness.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_retried()
    {
        var blocked = Path.Combine(directory, "blocked");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        var log = new RecordingLogger();
        var node = CreateNode(path: Path.Combine(blocked, "subnet.env"), logger: log);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        Assert.False(IsReady);
        await ReconcileAsync(node);
        Assert.Single(log.Texts, line => line.Contains(blocked, StringComparison.Ordinal));

        File.Delete(blocked);
        await ReconcileAsync(node);
        Assert.True(IsReady);
    }

    public static TheoryData<RouteState> States => [.. Enum.GetValues<RouteState>()];

    [Theory]
    [MemberData(nameof(States))]
    public async Task A_route_state_has_the_same_name_in_readyz_metrics_systemd_status_and_log(RouteState state)
    {
        var log = new RecordingLogger();
        const string message = "missing permission vpc:CreateRouteEntries";
        await ApplyAsync(CreateNode(logger: log), new LeaseEvent.Confirmed(Held),
            new LeaseEvent.RouteStatusChanged(new RouteStatus("10.24.5.0/24", "i-1", ["vtb-1"], state, message, "req-1", default)));
        var route = Assert.Single(health.Checks, check => check.Name == "route");
        Assert.Equal((state == RouteState.Available, $"{state} in vtb-1: {message}"), (route.Ok, route.Detail));
        Assert.Contains($"route: {state} in vtb-1: {message}", readiness.Summary, StringComparison.Ordinal);
        foreach (var each in Enum.GetValues<RouteState>())
            Assert.Contains(
                $"\nflannel_route_state{{state=\"{each}\"}} {(each == state ? 1 : 0)}\n", health.Metrics(), StringComparison.Ordinal);
        var line = Assert.Single(log.Texts, line => line.StartsWith("route of 10.24.5.0/24", StringComparison.Ordinal));
        Assert.Contains($"{state}", line, StringComparison.Ordinal);
        Assert.Contains(message, line, StringComparison.Ordinal);
        if (state is not (RouteState.Available or RouteState.Pending)) Assert.Contains("req-1", line, StringComparison.Ordinal);
    }

    /// <summary>A file in a folder where nothing can be written while it is full.</summary>
    private sealed class FullDisk : ISubnetFile
    {
        public bool IsFull { get; set; }

        public byte[]? Content { get; set; }

        public string Path => "/run/flannel/subnet.env";

        public SubnetFileState Read() =>
            Content is { } content ? new SubnetFileState.Present(content, HasExpectedMode: true) : new SubnetFileState.Missing();

        public Result<Unit> Write(SubnetEnv subnetEnv)
        {
            if (IsFull) return Result.Failure("no space");
            Content = subnetEnv.ToBytes();
            return Unit.Instance;
        }

        public Result<Unit> Remove()
        {
            Content = null;
            return Unit.Instance;
        }
    }

    [Fact]
    public async Task Metrics_follow_the_node()
    {
        var node = CreateNode();
        Assert.Contains("\nflannel_ready 0\n", health.Metrics(), StringComparison.Ordinal);
        Assert.Contains("\nflannel_ready_check{check=\"lease\"} 1\nflannel_ready_check{check=\"route\"} 0\n", health.Metrics(),
            StringComparison.Ordinal);
        await ApplyAsync(node, new LeaseEvent.Confirmed(Held), new LeaseEvent.Renewed(TimeSpan.FromHours(24)), Route(RouteState.Available));
        var metrics = health.Metrics();
        Assert.Contains("\nflannel_ready 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nflannel_ready_check{check=\"route\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nflannel_lease_renewals_total 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nflannel_route_state{state=\"Available\"} 1\n", metrics, StringComparison.Ordinal);
        var end = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();
        Assert.Contains($"\nflannel_lease_expiry_timestamp_seconds {end}\n", metrics, StringComparison.Ordinal);
        Assert.EndsWith("\n", metrics, StringComparison.Ordinal);
    }
}
