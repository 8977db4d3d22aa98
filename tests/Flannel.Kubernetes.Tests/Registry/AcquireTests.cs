using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class AcquireTests : IDisposable
{
    private readonly KubeFixture fixture = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task The_lease_is_the_podCIDR_and_the_node_is_annotated_in_one_request()
    {
        var held = await fixture.HoldAsync();
        Assert.Equal("10.24.5.0-24", held.Lease.Key.ToString());
        Assert.Equal(new KubeLeaseIdentity("n1", fixture.Node.Uid, fixture.Node.CreationTime), held.Lease.Identity);
        Assert.False(held.WasFound);
        Assert.Null(held.Expiry);
        Assert.True(fixture.Annotations.IsManaged(fixture.Node));
        Assert.Equal(KubeFixture.AttributesOf("i-1"), fixture.Annotations.Read(fixture.Node).Value);
        Assert.Equal(["get nodes n1", "patch nodes/status n1"], fixture.Api.Requests.Select(request => request.ToString()));
    }

    [Fact]
    public async Task A_restart_without_a_change_reads_the_node_and_writes_nothing()
    {
        var first = await fixture.HoldAsync();
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Available)));
        var again = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        Assert.True(again.WasFound);
        Assert.Equal(first.Lease, again.Lease);
        Assert.Single(fixture.Patches);
        Assert.NotNull(KubeRouteStatus.Read(fixture.Node, fixture.Annotations));
    }

    [Fact]
    public async Task Only_changed_annotations_are_written()
    {
        await fixture.HoldAsync();
        fixture.Annotate("n1", "example.com/other", "x");
        var again = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync(KubeFixture.AttributesOf("i-1", "192.168.0.8"))).Lease;
        Assert.True(again.WasFound);
        Assert.Equal("192.168.0.8", fixture.Node.Annotations[fixture.Annotations.PublicIp]);
        Assert.Equal("x", fixture.Node.Annotations["example.com/other"]);
    }

    [Fact]
    public async Task A_new_machine_with_the_name_of_the_node_has_a_new_lease_and_no_route_status()
    {
        await fixture.HoldAsync();
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Available)));
        var other = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync(KubeFixture.AttributesOf("i-2"))).Lease;
        Assert.False(other.WasFound);
        Assert.Null(KubeRouteStatus.Read(fixture.Node, fixture.Annotations));
    }

    [Fact]
    public async Task A_status_of_a_release_is_deleted_when_the_node_starts_again()
    {
        await fixture.HoldAsync();
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Released)));
        Assert.True(Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease.WasFound);
        Assert.Null(KubeRouteStatus.Read(fixture.Node, fixture.Annotations));
    }

    [Theory]
    [InlineData("10.24.5.0/24", "fd00:24:0:5::/64")]
    [InlineData("fd00:24:0:5::/64", "10.24.5.0/24")]
    public async Task A_dual_stack_node_leases_both_subnets_in_either_order(string first, string second)
    {
        fixture.WriteConfig(KubeFixture.DualStackConfig);
        fixture.Server.CreateNode("n1", first, second);
        var held = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        Assert.Equal("10.24.5.0-24&fd00:24:0:5::-64", held.Lease.Key.ToString());
    }

    [Fact]
    public async Task A_node_without_podCIDR_names_the_component_that_assigns_it()
    {
        fixture.Server.CreateNode("n1");
        var reason = Assert.IsType<AcquireResult.NotAssigned>(await fixture.AcquireAsync()).Reason;
        Assert.Contains("n1", reason, StringComparison.Ordinal);
        Assert.Contains("kube-controller-manager", reason, StringComparison.Ordinal);
        Assert.Contains("--allocate-node-cidrs", reason, StringComparison.Ordinal);
        Assert.Empty(fixture.Patches);
    }

    [Fact]
    public async Task A_dual_stack_configuration_needs_an_IPv6_podCIDR()
    {
        fixture.WriteConfig(KubeFixture.DualStackConfig);
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        Assert.Contains("IPv6", Assert.IsType<AcquireResult.NotAssigned>(await fixture.AcquireAsync()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_node_is_named() =>
        Assert.Contains("node n1 does not exist", Assert.IsType<AcquireResult.NotAssigned>(await fixture.AcquireAsync()).Reason,
            StringComparison.Ordinal);

    [Fact]
    public async Task The_wait_for_an_assignment_ends_with_it()
    {
        fixture.Server.CreateNode("n1");
        var waiting = await WaitAsync(await fixture.AcquireAsync());
        fixture.Server.ChangeNode("n1", node => node with { PodCidrs = [KubeFixture.Subnet] });
        var begin = fixture.Time.GetUtcNow();
        await fixture.UntilAsync("assigned", () => waiting.IsCompleted);
        Assert.True(fixture.Time.GetUtcNow() - begin < TimeSpan.FromMinutes(1));
        await waiting;
    }

    [Fact]
    public async Task The_wait_for_an_assignment_ends_when_the_node_is_created_and_when_the_configuration_changes()
    {
        var waiting = await WaitAsync(await fixture.AcquireAsync());
        fixture.Server.CreateNode("n1", "10.25.5.0/24");
        await fixture.UntilAsync("created", () => waiting.IsCompleted);
        waiting = await WaitAsync(await fixture.AcquireAsync());
        fixture.WriteConfig(KubeFixture.Config.Replace("10.24.0.0/16", "10.0.0.0/8", StringComparison.Ordinal));
        await fixture.UntilAsync("configured", () => waiting.IsCompleted);
        Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync());
    }

    [Fact]
    public async Task The_wait_for_an_assignment_ends_after_its_time()
    {
        var unassigned = Assert.IsType<AcquireResult.NotAssigned>(await fixture.AcquireAsync());
        var begin = fixture.Time.GetUtcNow();
        var waiting = fixture.Manager.WaitForAssignmentAsync(unassigned, TimeSpan.FromSeconds(10), Cancel);
        await fixture.UntilAsync("the end", () => waiting.IsCompleted);
        Assert.InRange(fixture.Time.GetUtcNow() - begin, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData(KubeFixture.Config, "10.25.5.0/24", null)]
    [InlineData(KubeFixture.DualStackConfig, KubeFixture.Subnet, "fd00:99::/64")]
    public async Task A_podCIDR_outside_the_network_is_rejected(string config, string podCidr, string? second)
    {
        fixture.WriteConfig(config);
        fixture.Server.CreateNode("n1", second is null ? [podCidr] : [podCidr, second]);
        Assert.IsType<AcquireResult.OutsideNetwork>(await fixture.AcquireAsync());
        Assert.Empty(fixture.Patches);
    }

    [Theory]
    [InlineData(false, "PodCIDRNotAssigned", "--allocate-node-cidrs=true")]
    [InlineData(true, "PodCIDROutsideNetwork", "--cluster-cidr")]
    public async Task A_subnet_that_is_not_assigned_for_some_time_is_an_Event(bool isAssigned, string reason, string text)
    {
        var node = isAssigned ? fixture.Server.CreateNode("n1", "10.99.5.0/24") : fixture.Server.CreateNode("n1");
        var unassigned = Assert.IsAssignableFrom<AcquireResult.Unassigned>(await fixture.AcquireAsync());
        var waiting = fixture.Manager.WaitForAssignmentAsync(unassigned, TimeSpan.FromHours(1), Cancel);
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(25));
        Assert.Empty(fixture.Server.Events);
        await fixture.UntilAsync("the Event", () => fixture.Server.Events.Count > 0);
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(20));
        var sent = Assert.Single(fixture.Server.Events);
        Assert.Equal(
            ("n1", node.Uid, reason, true, "default"), (sent.NodeName, sent.NodeUid, sent.Reason, sent.IsWarning, sent.Name.Namespace));
        Assert.Contains(text, sent.Message, StringComparison.Ordinal);
        await fixture.UntilAsync("its repetition", () => fixture.Server.Events.Count == 2);
        await fixture.UntilAsync("the end", () => waiting.IsCompleted);
    }

    [Fact]
    public async Task An_Event_that_RBAC_does_not_allow_disturbs_nothing()
    {
        fixture.Server.CreateNode("n1");
        fixture.Api.Account.Deny(new AccessReview("create", "", "events"));
        var unassigned = Assert.IsType<AcquireResult.NotAssigned>(await fixture.AcquireAsync());
        var waiting = fixture.Manager.WaitForAssignmentAsync(unassigned, TimeSpan.FromMinutes(30), Cancel);
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(1, fixture.Api.Requests.Count(request => request.Access.Resource == "events"));
        fixture.Server.ChangeNode("n1", read => read with { PodCidrs = [KubeFixture.Subnet] });
        await fixture.UntilAsync("the assignment", () => waiting.IsCompleted);
        Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync());
    }

    [Fact]
    public async Task An_IPv6_podCIDR_without_EnableIPv6_is_no_mistake()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet, "fd00:99::/64");
        Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync());
    }

    [Fact]
    public async Task Another_machine_does_not_take_the_lease_of_the_instance_that_the_providerID_names()
    {
        fixture.Server.CreateNode(new KubeNode("n1", "", "") { PodCidrs = [KubeFixture.Subnet], ProviderId = "cn-hangzhou.i-9" });
        var message = Assert.IsType<AcquireResult.Rejected>(await fixture.AcquireAsync()).Error.Message;
        Assert.Contains("i-9 by its providerID, and i-1 by the metadata service", message, StringComparison.Ordinal);
        Assert.Empty(fixture.Patches);
    }

    [Fact]
    public async Task Addresses_that_an_operator_wrote_win_over_the_flags()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        fixture.Annotate("n1", fixture.Annotations.PublicIpOverwrite, "203.0.113.5");
        fixture.Annotate("n1", fixture.Annotations.NodePublicIp, "203.0.113.6");
        var held = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        Assert.Equal("203.0.113.5", held.Lease.Attributes.PublicIp.ToString());
        Assert.Equal("203.0.113.5", fixture.Node.Annotations[fixture.Annotations.PublicIp]);
        var addresses = await fixture.UntilAsync("read", fixture.Manager.ReadNodeAddressesAsync(Cancel));
        Assert.Equal("203.0.113.6", addresses.PublicIp?.ToString());
        // The node finds its own lease again, although it has another address.
        var state = await fixture.Manager.WaitForConfigAsync(
            new ConfigRequest(_ => { }) { Owner = KubeFixture.RequestOf(KubeFixture.AttributesOf("i-1")).Owner }, null, Cancel);
        Assert.True(state.IsOwnLeaseOnly);
        Assert.Equal(LeaseOwnerKind.Own, KubeFixture.RequestOf(KubeFixture.AttributesOf("i-1")).Owner.Classify(state.Leases.Single()));
    }

    [Fact]
    public async Task An_excluded_node_and_an_invalid_address_are_reported()
    {
        fixture.Server.CreateNode(new KubeNode("n1", "", "")
        {
            PodCidrs = [KubeFixture.Subnet],
            Labels = new Dictionary<string, string> { ["type"] = "virtual-kubelet" },
            Annotations = new Dictionary<string, string> { [fixture.Annotations.PublicIpOverwrite] = "?" },
        });
        Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync());
        Assert.Equal(1, fixture.Logger.Count(6109));
        Assert.Equal(1, fixture.Logger.Count(6110));
    }

    [Fact]
    public async Task Failures_that_can_recover_are_retried()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        fixture.Api.FailNext(ModelFault.Unavailable);
        fixture.Api.FailNext(ModelFault.TooManyRequests(TimeSpan.FromSeconds(20)));
        fixture.Api.FailNext(ModelFault.ResponseLost, request => request.IsWrite);
        Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync());
        // The write whose response was lost was executed: the second attempt has nothing to write.
        Assert.Single(fixture.Patches);
    }

    [Fact]
    public async Task A_node_that_is_created_again_during_the_write_is_read_again()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        var isRecreated = false;
        fixture.Api.Fault = request =>
        {
            if (request.IsWrite && !isRecreated)
            {
                isRecreated = true;
                fixture.Server.RecreateNode("n1", "10.24.9.0/24");
            }

            return null;
        };
        var held = Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease;
        Assert.Equal("10.24.9.0-24", held.Lease.Key.ToString());
        Assert.Equal(fixture.Node.Uid, ((KubeLeaseIdentity)held.Lease.Identity).Uid);
    }

    [Theory]
    [InlineData("get", "")]
    [InlineData("patch", "status")]
    public async Task A_missing_permission_is_logged_with_its_verb_and_awaited(string verb, string subresource)
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        var access = new AccessReview(verb, "", "nodes", subresource);
        fixture.Api.Account.Deny(access);
        var acquiring = fixture.AcquireAsync();
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.False(acquiring.IsCompleted);
        Assert.Single(fixture.Logger.Lines, line => line.Text.Contains($"{verb} nodes", StringComparison.Ordinal));

        fixture.Api.Account.Allow(access);
        Assert.IsType<AcquireResult.Held>(await fixture.UntilAsync("the lease", acquiring));
    }

    [Fact]
    public async Task Without_a_usable_configuration_nothing_is_written()
    {
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        fixture.WriteConfig("{");
        Assert.IsType<AcquireResult.NoConfig>(await fixture.AcquireAsync());
        fixture.WriteConfig(KubeFixture.Config);
        var request = new AcquireRequest(KubeFixture.RequestOf(KubeFixture.AttributesOf("i-1")).Owner, _ => null);
        Assert.IsType<AcquireResult.UnsupportedConfig>(await fixture.Manager.AcquireAsync(request, null, Cancel));
        Assert.Empty(fixture.Patches);
    }

    [Fact]
    public async Task The_wait_for_a_configuration_reports_each_unusable_one_and_ends_with_a_usable_one()
    {
        File.Delete(fixture.NetConf.Path);
        fixture.Server.CreateNode("n1", KubeFixture.Subnet);
        var reported = new List<ConfigState>();
        var waiting = fixture.Manager.WaitForConfigAsync(
            new ConfigRequest(reported.Add) { Owner = KubeFixture.RequestOf(KubeFixture.AttributesOf("i-1")).Owner }, null, Cancel);
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(20));
        fixture.WriteConfig("{");
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(20));
        fixture.WriteConfig(KubeFixture.Config);
        var state = await fixture.UntilAsync("the configuration", waiting);
        Assert.IsType<ConfigState.Present>(state.Config);
        Assert.Collection(
            reported, first => Assert.IsType<ConfigState.Missing>(first), second => Assert.IsType<ConfigState.Invalid>(second));
        Assert.Empty(state.Leases);
    }

    [Fact]
    public async Task All_leases_are_read_for_commands()
    {
        await fixture.HoldAsync();
        fixture.CreateLeasedNode("n2", KubeFixture.AttributesOf("i-2", "192.168.0.6"), "10.24.3.0/24");
        fixture.Server.CreateNode("n3", "10.24.8.0/24");
        var state = await fixture.Manager.ReadAsync(Cancel);
        Assert.Equal(["10.24.3.0-24", "10.24.5.0-24", "10.24.8.0-24"], state.Leases.Select(lease => lease.Key.ToString()));
        Assert.Equal(["ali-vpc", "ali-vpc", ""], state.Leases.Select(lease => lease.Attributes.BackendType));
        Assert.True(state.ToSnapshot().IsComplete);
    }

    [Fact]
    public async Task The_commands_of_messages_name_the_node()
    {
        var held = await fixture.HoldAsync();
        Assert.Equal("kubectl delete node n1", fixture.Manager.DeletionCommand(held.Lease.Key));
        Assert.Contains("10.24.9.0/24", fixture.Manager.DeletionCommand(Key("10.24.9.0-24")), StringComparison.Ordinal);
        Assert.Equal("kubectl -n kube-flannel edit configmap kube-flannel-cfg", fixture.Manager.ConfigCommand);
        Assert.Equal(fixture.NetConf.Path, fixture.Manager.ConfigLocation);

        static SubnetKey Key(string text) => SubnetKey.TryParse(text, out var key) ? key : throw new FormatException(text);
    }

    /// <summary>A wait that has polled for some time, also while the API server was unavailable.</summary>
    private async Task<Task> WaitAsync(AcquireResult result)
    {
        var unassigned = Assert.IsType<AcquireResult.Unassigned>(result, exactMatch: false);
        var waiting = fixture.Manager.WaitForAssignmentAsync(unassigned, TimeSpan.FromMinutes(5), Cancel);
        fixture.Api.FailNext(ModelFault.Unavailable);
        await fixture.AdvanceAsync(TimeSpan.FromSeconds(40));
        Assert.False(waiting.IsCompleted);
        return waiting;
    }
}
