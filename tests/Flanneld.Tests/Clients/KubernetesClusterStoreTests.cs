using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Registry;
using Flanneld.Clients;
using Flanneld.Options;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Clients;

/// <summary>The cluster's store in Kubernetes, over the model of the API server.</summary>
public sealed class KubernetesClusterStoreTests : IDisposable
{
    private readonly KubeStore kube = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => kube.Dispose();

    [Fact]
    public async Task The_addresses_that_an_operator_wrote_on_the_Node_are_read()
    {
        kube.Server.CreateNode("n1", "10.24.1.0/24");
        var none = await kube.Store.IdentifyNodeAsync(Cancel);
        Assert.Equal(new StoredNode(null, null), none.Value);
        kube.Server.ChangeNode("n1", node => node with
        {
            Annotations = new Dictionary<string, string> { ["flannel.alpha.coreos.com/node-public-ip"] = "203.0.113.7" },
        });
        var found = await kube.Store.IdentifyNodeAsync(Cancel);
        Assert.Equal(new StoredNode(Ipv4Address.Parse("203.0.113.7"), null), found.Value);
    }

    [Fact]
    public async Task The_name_of_the_node_is_read_from_the_pod()
    {
        using var other = new KubeStore(nodeName: null);
        other.Server.CreateNode("n7", "10.24.7.0/24");
        other.Server.SetPod(new("flannel", "p"), "n7");
        other.Environment["POD_NAME"] = "p";
        Assert.Null(other.Store.NodeName);
        Assert.True((await other.Store.IdentifyNodeAsync(Cancel)).Ok);
        Assert.Equal("n7", other.Store.NodeName);
    }

    [Fact]
    public async Task Without_a_name_the_daemon_says_which_variables_it_reads()
    {
        using var other = new KubeStore(nodeName: null);
        var identified = await other.Store.IdentifyNodeAsync(Cancel);
        Assert.Contains("NODE_NAME", identified.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_own_lease_is_that_of_the_Node_whatever_address_it_has()
    {
        CreateLease("n1", "10.24.1.0/24", "192.168.1.1");
        CreateLease("n2", "10.24.2.0/24", "192.168.1.2");
        var state = await kube.Store.Subnets.ReadAsync(Cancel);
        Assert.Equal("10.24.1.0/24", kube.Store.FindOwnLease(state, Ipv4Address.Parse("192.168.1.2"))?.Subnet.ToString());
    }

    [Fact]
    public async Task A_Node_without_the_annotations_of_flannel_has_no_lease_of_its_own()
    {
        kube.Server.CreateNode("n1", "10.24.1.0/24");
        var state = await kube.Store.Subnets.ReadAsync(Cancel);
        Assert.Single(state.Leases);
        Assert.Null(kube.Store.FindOwnLease(state, Ipv4Address.Any));
    }

    [Fact]
    public async Task On_a_host_that_is_no_node_the_own_lease_is_found_by_its_address()
    {
        using var other = new KubeStore(nodeName: null);
        other.Server.CreateNode("n2", "10.24.2.0/24");
        other.Server.ChangeNode("n2", node => node with { Annotations = LeaseAnnotations("192.168.1.2") });
        var state = await other.Store.Subnets.ReadAsync(Cancel);
        Assert.Equal("10.24.2.0/24", other.Store.FindOwnLease(state, Ipv4Address.Parse("192.168.1.2"))?.Subnet.ToString());
        Assert.Null(other.Store.FindOwnLease(state, Ipv4Address.Parse("192.168.1.9")));
    }

    [Fact]
    public async Task The_statuses_of_many_leases_take_one_list()
    {
        for (var i = 1; i <= 30; i++) CreateLease($"n{i}", $"10.24.{i}.0/24", $"192.168.1.{i}");
        kube.Server.ChangeNode("n3", node => node with
        {
            Annotations = new Dictionary<string, string>(node.Annotations)
            {
                ["flannel.alpha.coreos.com/ali-vpc-route-status"] = KubeRouteStatus.ToAnnotation(
                    new RouteStatus("10.24.3.0/24", "i-3", [], RouteState.Available, "", "", DateTimeOffset.UnixEpoch)),
            },
        });
        var state = await kube.Store.Subnets.ReadAsync(Cancel);
        var before = kube.Api.Requests.Count;
        var statuses = await kube.Store.ReadRouteStatusesAsync(state.Leases, Cancel);
        Assert.Equal(1, kube.Api.Requests.Count - before);
        var (key, status) = Assert.Single(statuses);
        Assert.Equal(("10.24.3.0/24", RouteState.Available), (key.Subnet.ToString(), status.State));
    }

    [Fact]
    public async Task The_configuration_is_the_file()
    {
        Assert.Null((await kube.Store.ReadConfigAsync(Cancel)).Value);
        await File.WriteAllTextAsync(kube.Options.NetConfigPath, """{"Network":"10.24.0.0/16"}""", Cancel);
        Assert.IsType<ConfigState.Present>((await kube.Store.ReadConfigAsync(Cancel)).Parse());
    }

    [Theory]
    [InlineData("--kube-annotation-prefix: ", "Upper/case", "c")]
    [InlineData("kubeconfig ", "flannel.alpha.coreos.com", "missing")]
    public void What_the_flags_name_is_checked_before_the_first_request(string expected, string prefix, string context)
    {
        var path = Path.Combine(Path.GetDirectoryName(kube.Options.NetConfigPath)!, "kubeconfig");
        File.WriteAllText(path, $"""
            current-context: {context}
            contexts: [ name: c, context: [ cluster: k ] ]
            """);
        var options = new DaemonOptions { IsKubeSubnetManager = true, KubeconfigFile = path, KubeAnnotationPrefix = prefix };
        var clients = new ClientContext(kube.Environment, NullLoggerFactory.Instance, TimeProvider.System, new Random(1));
        var opened = KubernetesClusterStore.Open(options, clients);
        Assert.StartsWith(expected, opened.Error, StringComparison.Ordinal);
    }

    private void CreateLease(string name, string subnet, string publicIp)
    {
        kube.Server.CreateNode(name, subnet);
        kube.Server.ChangeNode(name, node => node with { Annotations = LeaseAnnotations(publicIp) });
    }

    private static Dictionary<string, string> LeaseAnnotations(string publicIp) => new()
    {
        ["flannel.alpha.coreos.com/kube-subnet-manager"] = "true",
        ["flannel.alpha.coreos.com/backend-type"] = FlannelContract.AllocBackend,
        ["flannel.alpha.coreos.com/backend-data"] = "null",
        ["flannel.alpha.coreos.com/public-ip"] = publicIp,
    };
}
