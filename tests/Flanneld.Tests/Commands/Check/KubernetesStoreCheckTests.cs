using Flannel.Core.Configuration;
using Flannel.Kubernetes.Client.Objects;
using Flanneld.Commands.Check;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Commands.Check;

/// <summary>The checks of the API server, over its model.</summary>
public sealed class KubernetesStoreCheckTests : IDisposable
{
    private static readonly NetworkConfig Config =
        NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8).Value;

    private readonly KubeStore kube = new();
    private readonly CheckSection section = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => kube.Dispose();

    [Fact]
    public async Task An_account_with_all_verbs_is_ok()
    {
        Assert.True(await NewCheck().CheckServersAsync(section, Cancel));
        Assert.Equal(
            [(CheckKind.Kubernetes, CheckState.Ok), (CheckKind.Rbac, CheckState.Ok)],
            section.Results.Select(result => (result.Kind, result.State)));
        Assert.Equal("9 of 9 verbs are allowed", section.Results[1].Detail);
    }

    public static TheoryData<string, string, string, string, string, string, string> Verbs => new()
    {
        { "get", "", "nodes", "", "", "ClusterRole: apiGroups [\"\"], resources [nodes], verbs [get]", nameof(CheckState.Problem) },
        { "list", "", "nodes", "", "", "ClusterRole: apiGroups [\"\"], resources [nodes], verbs [list]", nameof(CheckState.Problem) },
        { "watch", "", "nodes", "", "", "ClusterRole: apiGroups [\"\"], resources [nodes], verbs [watch]", nameof(CheckState.Problem) },
        {
            "patch", "", "nodes", "status", "", "ClusterRole: apiGroups [\"\"], resources [nodes/status], verbs [patch]",
            nameof(CheckState.Problem)
        },
        {
            "update", "coordination.k8s.io", "leases", "", "flannel",
            "Role in namespace flannel: apiGroups [\"coordination.k8s.io\"], resources [leases], verbs [update]", nameof(CheckState.Warning)
        },
        {
            "patch", "", "events", "", "default", "Role in namespace default: apiGroups [\"\"], resources [events], verbs [patch]",
            nameof(CheckState.Warning)
        },
    };

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task A_missing_verb_is_named_as_the_rule_that_grants_it(
        string verb, string group, string resource, string subresource, string space, string rule, string state)
    {
        kube.Api.Account.Deny(new AccessReview(verb, group, resource, subresource, space));
        await NewCheck().CheckServersAsync(section, Cancel);
        var result = section.Results[1];
        Assert.Equal((CheckKind.Rbac, state), (result.Kind, result.State.ToString()));
        Assert.Contains(rule, Assert.Single(result.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_no_candidate_needs_no_verb_of_the_route_controller()
    {
        kube.Options.MayControlRoutes = false;
        foreach (var verb in (string[])["create", "update"])
            kube.Api.Account.Deny(new AccessReview(verb, "coordination.k8s.io", "leases", "", "flannel"));
        await NewCheck().CheckServersAsync(section, Cancel);
        Assert.Equal("5 of 5 verbs are allowed", section.Results[1].Detail);
    }

    [Fact]
    public async Task An_unavailable_API_server_is_a_problem_and_nothing_else_is_asked()
    {
        kube.Server.IsAvailable = false;
        Assert.False(await NewCheck().CheckServersAsync(section, Cancel));
        var result = Assert.Single(section.Results);
        Assert.Equal((CheckKind.Kubernetes, CheckState.Problem), (result.Kind, result.State));
    }

    [Fact]
    public async Task A_rejected_token_is_a_problem()
    {
        kube.Api.Account.IsAuthenticated = false;
        Assert.False(await NewCheck().CheckServersAsync(section, Cancel));
        Assert.Equal("give a valid token or client certificate", Assert.Single(section.Results).Advice);
    }

    [Fact]
    public async Task A_Node_that_does_not_exist_is_a_problem()
    {
        await NewCheck().CheckNodeAsync(section, Config, Cancel);
        Assert.Equal(
            (CheckKind.PodCidr, CheckState.Problem, "node n1 does not exist"),
            (section.Results[0].Kind, section.Results[0].State, section.Results[0].Detail));
    }

    [Fact]
    public async Task An_excluded_node_is_a_warning()
    {
        kube.Server.CreateNode("n1", "10.24.1.0/24");
        kube.Server.ChangeNode("n1", node => node with
        {
            Labels = new Dictionary<string, string> { ["service.alibabacloud.com/exclude-node"] = "true" },
        });
        await NewCheck().CheckNodeAsync(section, Config, Cancel);
        Assert.Equal(
            [CheckState.Ok, CheckState.Warning, CheckState.Note], section.Results.Select(result => result.State));
    }

    [Fact]
    public async Task A_host_whose_Node_is_not_known_is_a_note()
    {
        using var other = new KubeStore(nodeName: null);
        await new KubernetesStoreCheck(other.Options, other.Environment, other.Store).CheckNodeAsync(section, Config, Cancel);
        Assert.Equal(CheckState.Note, Assert.Single(section.Results).State);
    }

    [Theory]
    [InlineData(nameof(CheckState.Problem), "--allocate-node-cidrs=true")]
    [InlineData(nameof(CheckState.Ok), "", "10.24.1.0/24")]
    [InlineData(nameof(CheckState.Problem), "make Network the --cluster-cidr", "10.25.1.0/24")]
    [InlineData(nameof(CheckState.Problem), "--allocate-node-cidrs=true", "10.24.1.0/24", "10.24.2.0/24")]
    public void The_podCIDR_must_be_inside_Network(string state, string advice, params string[] cidrs)
    {
        var result = KubernetesStoreCheck.CheckSubnets(new KubeNode("n1", "u", "1") { PodCidrs = cidrs }, Config);
        Assert.Equal((CheckKind.PodCidr, state), (result.Kind, result.State.ToString()));
        Assert.Contains(advice, result.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "FlannelIsUp", "Flannel is running on this node", nameof(CheckState.Ok), "")]
    [InlineData(false, "RouteCreated", "Route to 10.24.1.0/24 is available", nameof(CheckState.Ok), "")]
    [InlineData(true, "NoRouteCreated", "Route to 10.24.1.0/24 is not available: Pending", nameof(CheckState.Warning), "")]
    [InlineData(
        false, "RouteCreated", "RouteController created a route", nameof(CheckState.Warning), "a cloud controller manager wrote it")]
    [InlineData(false, "CalicoIsUp", "Calico is running on this node", nameof(CheckState.Warning), "another program wrote it")]
    public void A_condition_of_another_program_is_a_warning(
        bool isTrue, string reason, string message, string state, string detail)
    {
        var result = KubernetesStoreCheck.DescribeCondition(new NodeCondition(isTrue, reason, message, DateTimeOffset.UnixEpoch));
        Assert.Equal((CheckKind.NodeCondition, state), (result.Kind, result.State.ToString()));
        Assert.Contains(detail, result.Detail, StringComparison.Ordinal);
    }

    private KubernetesStoreCheck NewCheck() => new(kube.Options, kube.Environment, kube.Store);
}
