using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.Demo;

/// <summary>The Nodes of a real API server. The demo creates them with their podCIDRs, as kubelets and the controller manager do.</summary>
internal sealed class KubernetesStore(KubeCluster cluster) : IDemoStore
{
    public TestVpc Vpc => cluster.Vpc;

    public string ConfigureTitle => "Apply packaging/kubernetes/flanneld.yaml, and create a Node with a podCIDR for each instance";

    public string AfterStop => "Their Nodes keep podCIDR and annotations";

    public IEnumerable<string> Commands
    {
        get
        {
            var kubectl = $"{KeepRunning.Enter(cluster.Vpc.EtcdNamespace)}kubectl --kubeconfig={cluster.KubeconfigFile}";
            yield return $"{kubectl} get nodes --output yaml";
            yield return $"{kubectl} --namespace {KubeCluster.Namespace} get leases {KubeCluster.ElectionLease} --output yaml";
        }
    }

    public async Task ConfigureAsync(DemoOutput output, CancellationToken cancel)
    {
        for (var i = 0; i < Vpc.Instances.Count; i++)
            await cluster.CreateNodeAsync(i, cancel, string.Create(CultureInfo.InvariantCulture, $"10.24.{i + 1}.0/24"));
        output.Note($"kube-apiserver at {cluster.Server.Endpoint}, network configuration {TestVpc.Config}:");
        output.Table(["NODE", "PODCIDR"], (await NodesAsync(cancel)).Select(node => new[] { NameOf(node), CidrOf(node) }));
    }

    public async Task<IReadOnlyDictionary<string, string>> SubnetsAsync(CancellationToken cancel) => (await NodesAsync(cancel))
        .Where(node => AnnotationOf(node, "public-ip") is not null)
        .ToDictionary(node => AnnotationOf(node, "public-ip")!, CidrOf);

    public async Task WriteLeasesAsync(DemoOutput output, CancellationToken cancel)
    {
        output.Note($"Nodes of the API server, with the annotations {KubeCluster.Prefix}…:");
        output.Table(["NODE", "PODCIDR", "PUBLIC-IP", "BACKEND-TYPE", "INSTANCE", "NETWORKUNAVAILABLE"],
            (await NodesAsync(cancel)).Select(node => new[]
            {
                NameOf(node), CidrOf(node), AnnotationOf(node, "public-ip") ?? "-", AnnotationOf(node, "backend-type") ?? "-",
                JsonNode.Parse(AnnotationOf(node, "backend-data") ?? "{}")?["InstanceId"]?.GetValue<string>() ?? "-", ConditionOf(node),
            }));
    }

    public Task<EcsInstance?> ControllerAsync(CancellationToken cancel) => cluster.ControllerAsync(cancel);

    public ValueTask DisposeAsync() => cluster.DisposeAsync();

    private async Task<IEnumerable<JsonNode>> NodesAsync(CancellationToken cancel) =>
        (await cluster.Admin.Client.GetAsync("/api/v1/nodes", cancel)).EnsureSuccess()["items"]!.AsArray().Select(node => node!);

    private static string NameOf(JsonNode node) => node["metadata"]!["name"]!.GetValue<string>();

    private static string CidrOf(JsonNode node) => node["spec"]!["podCIDR"]!.GetValue<string>();

    private static string? AnnotationOf(JsonNode node, string name) =>
        node["metadata"]!["annotations"]?[KubeCluster.Prefix + name]?.GetValue<string>();

    private static string ConditionOf(JsonNode node)
    {
        var condition = (node["status"]?["conditions"]?.AsArray() ?? [])
            .SingleOrDefault(condition => condition!["type"]!.GetValue<string>() == "NetworkUnavailable");
        return condition is null ? "-" : $"{condition["status"]} ({condition["reason"]})";
    }
}
