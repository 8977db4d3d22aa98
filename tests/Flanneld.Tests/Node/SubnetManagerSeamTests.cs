using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flanneld.Node;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

/// <summary>The life of a node whose leases are not in etcd. A second subnet manager needs <see cref="ISubnetManager"/> only.</summary>
public sealed class SubnetManagerSeamTests : IAsyncLifetime
{
    private const string AliVpc = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";
    private const string OneSubnet =
        """{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.0","SubnetMax":"10.24.5.0","Backend":{"Type":"alloc"}}""";

    private const string OneRoutedSubnet =
        """{"Network":"10.24.0.0/16","SubnetMin":"10.24.5.0","SubnetMax":"10.24.5.0","Backend":{"Type":"ali-vpc"}}""";

    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(10);
    private static readonly LeaseAttributes OtherNode = new(Ipv4Address.Parse("192.168.1.99"), null, "alloc", null, null);

    private readonly FakeTimeProvider time = new();
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly List<TestNode> nodes = [];
    private readonly InMemorySubnetManager subnets;

    public SubnetManagerSeamTests() => subnets = new InMemorySubnetManager(time) { LeaseTime = LeaseTime };

    private Lease Lease => Assert.Single(subnets.Leases);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes) await node.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_node_leases_a_subnet_and_publishes_it_when_its_route_is_available()
    {
        subnets.WriteConfig(AliVpc);
        var node = Start();
        await node.UntilAsync("waits for its route", () => node.State.IsRouteRead);
        Assert.Equal(new LeaseInstance("i-1", "vpc-1"), LeaseInstance.Read(Lease.Attributes));
        Assert.False(node.HasFile);

        Publish(RouteState.Pending);
        await node.UntilAsync("reads the status", () => node.State.Route?.State == RouteState.Pending);
        Assert.False(node.HasFile);
        Assert.False(node.IsReady);

        Publish(RouteState.Available);
        await node.UntilAsync("is ready", () => node.IsReady);
        Assert.Contains(
            $"FLANNEL_SUBNET={new Ipv4Address(Lease.Subnet.Address.Value + 1)}/24\n",
            await File.ReadAllTextAsync(node.SubnetPath, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await node.UntilAsync("campaigns", () => node.Candidates.Created is { IsStarted: true });
    }

    [Fact]
    public async Task A_candidate_is_prepared_while_the_node_waits_for_a_subnet_and_campaigns_with_its_lease()
    {
        subnets.WriteConfig(OneRoutedSubnet);
        subnets.WriteLease("10.24.5.0/24", OtherNode);
        var node = Start();
        await node.UntilAsync("prepares its candidate", () => node.Candidates.Created is { IsPrepared: true });
        await node.AdvanceAsync(TimeSpan.FromSeconds(10));
        var candidate = node.Candidates.Created!;
        Assert.False(candidate.IsStarted);

        subnets.DeleteLease(Ipv4Network.Parse("10.24.5.0/24"));
        await node.UntilAsync("campaigns", () => candidate.IsStarted);
        Assert.Same(candidate, node.Candidates.Created);
        Assert.True(node.State.IsLeaseHeld);
    }

    [Fact]
    public async Task A_candidate_for_a_configuration_that_was_changed_before_the_lease_is_replaced()
    {
        subnets.WriteConfig(OneRoutedSubnet);
        subnets.WriteLease("10.24.5.0/24", OtherNode);
        var node = Start();
        await node.UntilAsync("prepares its candidate", () => node.Candidates.Created is { IsPrepared: true });
        var first = node.Candidates.Created!;
        subnets.WriteConfig(AliVpc);
        await node.UntilAsync("campaigns", () => node.Candidates.Created is { IsStarted: true });
        Assert.NotSame(first, node.Candidates.Created);
        Assert.True(first.IsDisposed);
        Assert.False(first.IsStarted);
        Assert.False(node.Running.IsCompleted);
    }

    [Fact]
    public async Task Backend_alloc_publishes_the_subnet_without_a_route()
    {
        subnets.WriteConfig("""{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""");
        var node = Start();
        await node.UntilAsync("is ready", () => node.IsReady);
        Assert.True(node.HasFile);
        Assert.Null(node.Candidates.Created);
    }

    [Fact]
    public async Task A_node_waits_for_a_valid_configuration_and_names_its_location()
    {
        var node = Start();
        await node.UntilAsync("reports it", () => node.Log.Has(1101));
        Assert.Contains(
            "waiting for the network configuration at memory:config; write it, for example:"
            + """ put config '{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}'""",
            node.Log.Texts);
        Assert.Equal("waiting for the network configuration at memory:config", node.LeaseDetail);

        subnets.WriteConfig("""{"Network":"10.24.0.0"}""");
        await node.UntilAsync("reports it", () => node.Log.Has(1102));
        subnets.WriteConfig("""{"Network":"10.24.0.0/16","Backend":{"Type":"host-gw"}}""");
        await node.UntilAsync(
            "reports it",
            () => node.LeaseDetail.StartsWith(
                "invalid network configuration at memory:config: Backend.Type is 'host-gw'", StringComparison.Ordinal));
        subnets.WriteConfig(AliVpc);
        await node.UntilAsync("has a lease", () => node.State.IsLeaseHeld);
    }

    [Fact]
    public async Task A_node_without_a_free_subnet_waits_until_a_lease_is_deleted()
    {
        subnets.WriteConfig(OneSubnet);
        subnets.WriteLease("10.24.5.0/24", OtherNode);
        var node = Start();
        await node.UntilAsync("waits", () => node.LeaseDetail == "out of subnets: waiting for a free one");
        subnets.DeleteLease(Ipv4Network.Parse("10.24.5.0/24"));
        await node.UntilAsync("is ready", () => node.IsReady);
    }

    [Fact]
    public async Task A_node_without_an_assigned_subnet_waits_and_logs_each_reason_once()
    {
        subnets.WriteConfig(AliVpc);
        subnets.SetUnassigned(new AcquireResult.NotAssigned("Node n1 has no podCIDR"));
        var node = Start();
        await node.UntilAsync("waits", () => node.LeaseDetail == "Node n1 has no podCIDR");
        // Longer than the longest wait: the node asks again.
        await node.AdvanceAsync(TimeSpan.FromMinutes(6));
        Assert.Single(node.Log.Texts, "no subnet is assigned to this node: Node n1 has no podCIDR; waiting");

        subnets.SetUnassigned(new AcquireResult.OutsideNetwork("podCIDR 10.99.1.0/24 is not in 10.24.0.0/16"));
        await node.UntilAsync("waits", () => node.LeaseDetail == "podCIDR 10.99.1.0/24 is not in 10.24.0.0/16");
        Assert.Single(
            node.Log.Texts,
            "the subnet of this node cannot be used: podCIDR 10.99.1.0/24 is not in 10.24.0.0/16; waiting for another one");
        Assert.Empty(subnets.Leases);

        subnets.SetUnassigned(null);
        await node.UntilAsync("has a lease", () => node.State.IsLeaseHeld);
    }

    [Fact]
    public async Task A_node_reports_each_time_that_it_becomes_ready()
    {
        var node = await StartReadyAsync();
        await node.UntilAsync("reports", () => subnets.ReadyReports == 1);
        await node.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(1, subnets.ReadyReports);
        Publish(RouteState.Conflict);
        await node.UntilAsync("withdraws", () => !node.HasFile);
        Publish(RouteState.Available);
        await node.UntilAsync("reports", () => subnets.ReadyReports == 2);
    }

    [Fact]
    public async Task A_report_of_readiness_that_fails_is_repeated_and_does_not_affect_the_node()
    {
        subnets.ReadyError = "permission denied";
        var node = await StartReadyAsync();
        await node.UntilAsync("repeats the report", () => subnets.ReadyReports >= 3);
        Assert.True(node.IsReady);
        Assert.True(node.HasFile);
        Assert.Single(
            node.Log.Texts, $"cannot publish that this node is ready: {subnets.Name}: permission denied; retrying");
        subnets.ReadyError = null;
        await node.AdvanceAsync(TimeSpan.FromMinutes(2));
        var reports = subnets.ReadyReports;
        await node.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(reports, subnets.ReadyReports);
    }

    [Fact]
    public async Task A_node_whose_route_is_no_longer_available_withdraws_its_subnet_until_it_is_available_again()
    {
        var node = await StartReadyAsync();
        Publish(RouteState.Conflict);
        await node.UntilAsync("withdraws", () => !node.HasFile);
        Assert.False(node.IsReady);
        Publish(RouteState.Available);
        await node.UntilAsync("is ready", () => node.IsReady);
        Assert.True(node.HasFile);
    }

    [Fact]
    public async Task A_lease_is_renewed_while_the_subnet_manager_is_available()
    {
        var node = await StartReadyAsync();
        await node.AdvanceAsync(LeaseTime * 2);
        Assert.True(node.IsReady);
        Assert.InRange(node.State.Renewals, 2, 5);
    }

    [Fact]
    public async Task A_lease_that_expired_while_the_subnet_manager_was_unavailable_is_used_again_when_its_route_is_available()
    {
        var node = await StartReadyAsync();
        var subnet = Lease.Subnet;
        subnets.IsAvailable = false;
        await node.AdvanceAsync(LeaseTime / 3);
        Assert.True(node.IsReady);
        await node.UntilAsync("withdraws", () => !node.HasFile);
        Assert.Equal(LeaseState.Expired, node.State.LeaseState);
        Assert.Equal("the lease expired while memory was unavailable", node.LeaseDetail);

        subnets.IsAvailable = true;
        await node.UntilAsync("takes the lease back", () => node.State is { LeaseState: LeaseState.Confirmed, IsRouteRead: true });
        Assert.Equal(subnet, Lease.Subnet);
        Assert.False(node.HasFile);
        Publish(RouteState.Available);
        await node.UntilAsync("is ready", () => node.IsReady);
    }

    [Fact]
    public async Task A_node_ends_when_another_node_has_taken_its_expired_lease()
    {
        var node = await StartReadyAsync();
        var subnet = Lease.Subnet;
        subnets.IsAvailable = false;
        await node.UntilAsync("expires", () => node.State.LeaseState == LeaseState.Expired);
        subnets.WriteLease($"{subnet}", OtherNode);
        subnets.IsAvailable = true;
        Assert.Equal(
            $"subnet {subnet} is lost: 192.168.1.99 has it now; the next start leases a subnet again", await node.EndAsync());
        Assert.False(node.HasFile);
    }

    [Fact]
    public async Task A_node_ends_when_its_lease_is_deleted()
    {
        var node = await StartReadyAsync();
        var subnet = Lease.Subnet;
        subnets.DeleteLease(subnet);
        Assert.Equal(
            $"subnet {subnet} is lost: its lease was deleted; the next start leases a subnet again", await node.EndAsync());
        Assert.False(node.HasFile);
        Assert.False(node.IsReady);
    }

    [Fact]
    public async Task A_changed_configuration_is_reported_and_the_node_keeps_its_subnet()
    {
        var node = await StartReadyAsync();
        subnets.WriteConfig(
            """{"Network":"10.99.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI-new","AccessKeySecret":"s3cret"}}""");
        await node.UntilAsync("reports it", () => node.Log.Has(1129));
        await node.UntilAsync("uses the key", () => node.Candidates.Created!.AccessKeyId == "LTAI-new");
        Publish(RouteState.Rejected);
        await node.UntilAsync("reports it", () => node.Log.Has(1132));
        Assert.True(node.IsReady);
        Assert.True(node.HasFile);
    }

    [Fact]
    public async Task The_elected_route_controller_is_reported()
    {
        var node = await StartReadyAsync();
        subnets.SetController(new ControllerHolder("i-7", "192.168.1.17"));
        await node.UntilAsync("reports it", () => node.State.Controller == "i-7 (192.168.1.17)");
        Assert.Contains("route controller is i-7 (192.168.1.17)", node.Log.Texts);
        subnets.SetController(null);
        await node.UntilAsync("reports it", () => node.Log.Has(1117));
    }

    [Fact]
    public async Task A_shutdown_keeps_lease_and_file_and_the_next_start_uses_them()
    {
        var node = await StartReadyAsync();
        var lease = Lease;
        await node.StopAsync();
        Assert.Equal(lease, Lease);
        Assert.True(node.HasFile);

        var next = Start();
        await next.UntilAsync("is ready", () => next.IsReady);
        Assert.Equal(lease.Subnet, Lease.Subnet);
        Assert.DoesNotContain(next.Log.Lines, line => line.EventId is 1113 or 1131);
    }

    [Fact]
    public async Task The_file_of_an_earlier_run_is_removed_when_another_node_has_its_subnet()
    {
        subnets.WriteConfig(AliVpc);
        subnets.WriteLease("10.24.5.0/24", OtherNode);
        await File.WriteAllTextAsync(
            Path.Combine(directory, "subnet.env"), "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        var node = Start();
        await node.UntilAsync("has a lease", () => node.State.IsLeaseHeld);
        Assert.False(node.HasFile);
        Assert.NotEqual("10.24.5.0/24", $"{node.State.Subnet}");
    }

    [Fact]
    public async Task An_address_that_another_instance_uses_ends_the_node_with_the_command_that_deletes_the_lease()
    {
        subnets.WriteConfig(AliVpc);
        subnets.WriteLease(
            "10.24.5.0/24",
            new LeaseAttributes(
                Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", """{"InstanceId":"i-2","VpcId":"vpc-1"}""", null));
        var node = Start(new KnownIdentity(KnownIdentity.Value with { PrivateAddresses = [] }));
        Assert.EndsWith("delete its lease: delete 10.24.5.0-24", await node.EndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_request_ends_the_node_with_the_name_of_the_subnet_manager()
    {
        subnets.RejectRequests("permission denied");
        Assert.Equal("memory: permission denied", await Start().EndAsync());
    }

    [Fact]
    public async Task A_node_that_waits_for_its_subnet_manager_names_it()
    {
        subnets.IsAvailable = false;
        var node = Start();
        await node.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Equal("waiting for memory", node.LeaseDetail);
    }

    private TestNode Start(INodeIdentity? identity = null)
    {
        var node = new TestNode(subnets, directory, time, identity ?? new KnownIdentity());
        nodes.Add(node);
        return node;
    }

    private async Task<TestNode> StartReadyAsync()
    {
        subnets.WriteConfig(AliVpc);
        var node = Start();
        await node.UntilAsync("has a lease", () => node.State.IsLeaseHeld);
        Publish(RouteState.Available);
        await node.UntilAsync("is ready", () => node.IsReady);
        return node;
    }

    private void Publish(RouteState state) =>
        subnets.PublishRouteStatus(new RouteStatus($"{Lease.Subnet}", "i-1", ["vtb-1"], state, "", "", time.GetUtcNow()));
}
