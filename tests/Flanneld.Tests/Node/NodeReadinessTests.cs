using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

public sealed class NodeReadinessTests : IDisposable
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private static readonly Lease Held = new(
        new SubnetKey(Subnet), new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null), 7, 10, 10);

    private static readonly SubnetEnv Env = new(Ipv4Network.Parse("10.24.0.0/16"), Subnet, 1500, false);

    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));
    private readonly SystemdNotifier systemd = new(null);
    private readonly NodeHealth health;

    public NodeReadinessTests() => health = new NodeHealth(new ControllerMetrics(), time);

    private string SubnetPath => Path.Combine(directory, "subnet.env");

    private bool IsReady => health.Checks.All(check => check.Ok);

    public void Dispose()
    {
        systemd.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private NodeReadiness Node(string? instanceId = "i-1", string? path = null, ILogger? logger = null, ISubnetFile? file = null)
    {
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8).Config!;
        var held = new HeldLease(Held, config, 5, WasFound: false, new LeaseExpiry(time.GetTimestamp(), TimeSpan.FromHours(24)));
        var reconciler = new SubnetFileReconciler(file ?? new SubnetFile(path ?? SubnetPath), Env, time, logger ?? NullLogger.Instance);
        return new NodeReadiness(
            held, instanceId, reconciler, null, health, systemd, time, time.GetTimestamp(), logger ?? NullLogger.Instance);
    }

    private static Task ReconcileAsync(NodeReadiness node) => node.ReconcileAsync(TestContext.Current.CancellationToken);

    private static async Task Tell(NodeReadiness node, params LeaseEvent[] events)
    {
        foreach (var each in events) Assert.Null(await node.TakeAsync(each, TestContext.Current.CancellationToken));
    }

    private static LeaseEvent.RouteStatusChanged Route(RouteState state, string subnet = "10.24.5.0/24", string instance = "i-1") =>
        new(new RouteStatus(subnet, instance, ["vtb-1"], state, state == RouteState.Available ? "" : "why", "req-1", default));

    [Fact]
    public async Task The_file_is_written_when_the_route_is_available_and_not_before()
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), new LeaseEvent.RouteStatusChanged(null), Route(RouteState.Pending));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);

        await Tell(node, Route(RouteState.Available));
        Assert.Contains("FLANNEL_SUBNET=10.24.5.1/24\n", await File.ReadAllTextAsync(SubnetPath, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.True(IsReady);
    }

    [Theory]
    [InlineData("10.24.6.0/24", "i-1")]
    [InlineData("10.24.5.0/24", "i-2")]
    public async Task A_word_on_another_subnet_or_instance_is_not_trusted(string subnet, string instance)
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available, subnet, instance));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
    }

    [Theory]
    [InlineData(RouteState.Pending)]
    [InlineData(RouteState.Conflict)]
    [InlineData(RouteState.QuotaExceeded)]
    [InlineData(RouteState.Denied)]
    public async Task An_available_route_that_is_lost_takes_readiness_and_file_along_and_its_return_brings_them_back(RouteState state)
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available), Route(state));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        Assert.Contains(health.Checks, check => check is { Name: "route", Ok: false } && check.Detail == $"{state} in vtb-1: why");

        await Tell(node, Route(RouteState.Available));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task An_earlier_runs_file_stays_until_the_first_word_on_the_route()
    {
        await File.WriteAllTextAsync(SubnetPath, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held));
        Assert.True(File.Exists(SubnetPath));
        await Tell(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.False(File.Exists(SubnetPath));
    }

    [Fact]
    public async Task A_lost_lease_removes_the_file_and_ends_the_node_with_a_reason()
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        var end = await node.TakeAsync(new LeaseEvent.Lost(LeaseLoss.Deleted, "its key was deleted"), TestContext.Current.CancellationToken);
        Assert.Equal("subnet 10.24.5.0/24 is lost: its key was deleted; the next start leases a subnet again", end);
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
    }

    [Fact]
    public async Task A_lease_that_expired_out_of_reach_may_not_be_used_until_its_route_is_available_again()
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available), new LeaseEvent.Unreachable("no answer"));
        Assert.True(IsReady);
        await Tell(node, new LeaseEvent.Expired());
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await Tell(node, new LeaseEvent.Confirmed(Held with { EtcdLeaseId = 8, CreateRevision = 30 }));
        Assert.False(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await Tell(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.False(IsReady);
        await Tell(node, Route(RouteState.Available));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task An_earlier_runs_file_stays_while_etcd_is_unavailable_and_goes_when_the_lease_expires()
    {
        await File.WriteAllBytesAsync(SubnetPath, Env.ToBytes(), TestContext.Current.CancellationToken);
        var node = Node();
        await ReconcileAsync(node);
        await Tell(node, new LeaseEvent.Unreachable("no answer"));
        Assert.True(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await Tell(node, new LeaseEvent.Expired());
        Assert.False(File.Exists(SubnetPath));
    }

    [Theory]
    [InlineData("FLANNEL_SUBNET=10.24.6.1/24\n")]
    [InlineData("garbage")]
    [InlineData("")]
    public async Task An_earlier_runs_file_that_does_not_name_this_subnet_goes_at_once(string content)
    {
        await File.WriteAllTextAsync(SubnetPath, content, TestContext.Current.CancellationToken);
        await ReconcileAsync(Node());
        Assert.False(File.Exists(SubnetPath));
    }

    [Fact]
    public async Task A_lease_that_a_restored_etcd_lost_and_the_node_took_back_costs_readiness_and_not_the_file()
    {
        var node = Node();
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        await Tell(node, new LeaseEvent.Confirmed(Held with { EtcdLeaseId = 8 }), new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.False(IsReady);
        await Tell(node, Route(RouteState.Available));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_file_that_another_program_deleted_changed_or_made_unreadable_is_written_again_and_reported()
    {
        var lines = new Lines();
        var node = Node(logger: lines);
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));

        File.Delete(SubnetPath);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(lines.All, line => line == $"rewrote {SubnetPath}: another program deleted it");

        await File.AppendAllTextAsync(SubnetPath, "FLANNEL_MTU=9000\n", TestContext.Current.CancellationToken);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(lines.All, line => line == $"rewrote {SubnetPath}: another program changed its content");

        File.SetUnixFileMode(SubnetPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await ReconcileAsync(node);
        AssertCorrect();
        Assert.Single(lines.All, line => line == $"rewrote {SubnetPath}: another program changed its mode");

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
        var lines = new Lines();
        var node = Node(file: file, logger: lines);
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        file.IsFull = true;
        file.Content = null;
        for (var i = 0; i < 3; i++) await ReconcileAsync(node);
        Assert.False(IsReady);
        Assert.Contains(health.Checks, check => check is { Name: "subnet-file", Ok: false, Detail: "no space" });
        Assert.Single(lines.All, line => line.StartsWith("no space", StringComparison.Ordinal));

        file.IsFull = false;
        await ReconcileAsync(node);
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_full_or_read_only_folder_does_not_matter_while_the_file_is_correct_already()
    {
        var lines = new Lines();
        var node = Node(file: new FullDisk { IsFull = true, Content = Env.ToBytes() }, logger: lines);
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        Assert.True(IsReady);
        Assert.DoesNotContain(lines.All, line => line.Contains("no space", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_configuration_and_what_a_controller_makes_of_it_take_neither_readiness_nor_file()
    {
        var lines = new Lines();
        var node = Node(logger: lines);
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        await Tell(node, new LeaseEvent.ConfigChanged(new ConfigState.Missing()), Route(RouteState.Rejected));
        await Tell(node, new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
        Assert.Single(lines.All, line => line.StartsWith("route status of 10.24.5.0/24 (Rejected) not applied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Backend_alloc_waits_for_no_route()
    {
        await Tell(Node(instanceId: null), new LeaseEvent.Confirmed(Held), new LeaseEvent.RouteStatusChanged(null));
        Assert.True(File.Exists(SubnetPath));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_tried_again()
    {
        var blocked = Path.Combine(directory, "blocked");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        var lines = new Lines();
        var node = Node(path: Path.Combine(blocked, "subnet.env"), logger: lines);
        await Tell(node, new LeaseEvent.Confirmed(Held), Route(RouteState.Available));
        Assert.False(IsReady);
        await ReconcileAsync(node);
        Assert.Single(lines.All, line => line.Contains(blocked, StringComparison.Ordinal));

        File.Delete(blocked);
        await ReconcileAsync(node);
        Assert.True(IsReady);
    }

    public static TheoryData<RouteState> States => [.. Enum.GetValues<RouteState>()];

    /// <summary>One word for one state, wherever an operator looks.</summary>
    [Theory]
    [MemberData(nameof(States))]
    public async Task A_state_is_the_same_in_readyz_in_the_metrics_in_systemds_line_and_in_the_log(RouteState state)
    {
        var lines = new Lines();
        const string message = "the RAM role lacks vpc:CreateRouteEntries";
        await Tell(Node(logger: lines), new LeaseEvent.Confirmed(Held),
            new LeaseEvent.RouteStatusChanged(new RouteStatus("10.24.5.0/24", "i-1", ["vtb-1"], state, message, "req-1", default)));
        var route = Assert.Single(health.Checks, check => check.Name == "route");
        Assert.Equal((state == RouteState.Available, $"{state} in vtb-1: {message}"), (route.Ok, route.Detail));
        Assert.Contains($"route: {state} in vtb-1: {message}", health.Summary, StringComparison.Ordinal);
        foreach (var each in Enum.GetValues<RouteState>())
            Assert.Contains($"\nflannel_route_state{{state=\"{each}\"}} {(each == state ? 1 : 0)}\n", health.Metrics(), StringComparison.Ordinal);
        var line = Assert.Single(lines.All, line => line.StartsWith("route of 10.24.5.0/24", StringComparison.Ordinal));
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

        public FileResult Write(SubnetEnv subnetEnv)
        {
            if (IsFull) return new FileResult.Failed("no space");
            Content = subnetEnv.ToBytes();
            return new FileResult.Done();
        }

        public FileResult Remove()
        {
            Content = null;
            return new FileResult.Done();
        }
    }

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add(formatter(state, exception));
    }

    [Fact]
    public async Task Metrics_follow_the_node()
    {
        var node = Node();
        Assert.Contains("\nflannel_ready 0\n", health.Metrics(), StringComparison.Ordinal);
        await Tell(node, new LeaseEvent.Confirmed(Held), new LeaseEvent.Renewed(TimeSpan.FromHours(24)), Route(RouteState.Available));
        var metrics = health.Metrics();
        Assert.Contains("\nflannel_ready 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nflannel_lease_renewals_total 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nflannel_route_state{state=\"Available\"} 1\n", metrics, StringComparison.Ordinal);
        var end = new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();
        Assert.Contains($"\nflannel_lease_expiry_timestamp_seconds {end}\n", metrics, StringComparison.Ordinal);
        Assert.EndsWith("\n", metrics, StringComparison.Ordinal);
    }
}
