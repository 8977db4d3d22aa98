using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>Creates and reads what the tests need, with all permissions.</summary>
public sealed class KubeAdmin
{
    private const string Nodes = "/api/v1/nodes";
    private const string Rbac = "/apis/rbac.authorization.k8s.io/v1";
    private const string RbacGroup = "rbac.authorization.k8s.io";

    internal KubeAdmin(KubeClient client) => Client = client;

    /// <summary>For all other requests.</summary>
    public KubeClient Client { get; }

    public async Task<JsonNode> CreateNodeAsync(KubeNode node, CancellationToken cancel) =>
        (await Client.PostAsync(Nodes, node.ToJson(), cancel)).EnsureSuccess();

    public Task<JsonNode> NodeAsync(string name, CancellationToken cancel) => GetAsync($"{Nodes}/{name}", cancel);

    public async Task DeleteNodeAsync(string name, CancellationToken cancel) =>
        _ = (await Client.DeleteAsync($"{Nodes}/{name}", cancel)).EnsureSuccess();

    /// <summary>Sets an annotation, or removes it if <paramref name="value"/> is null.</summary>
    public Task<JsonNode> AnnotateNodeAsync(string node, string annotation, string? value, CancellationToken cancel) =>
        PatchNodeAsync(node, new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [annotation] = value } } },
            cancel);

    /// <summary>Sets a label, or removes it if <paramref name="value"/> is null.</summary>
    public Task<JsonNode> LabelNodeAsync(string node, string label, string? value, CancellationToken cancel) =>
        PatchNodeAsync(
            node, new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [label] = value } } }, cancel);

    /// <param name="patch">A merge patch: null removes a field.</param>
    public async Task<JsonNode> PatchNodeAsync(string name, JsonNode patch, CancellationToken cancel) =>
        (await Client.PatchAsync($"{Nodes}/{name}", patch, cancel, KubeClient.MergePatch)).EnsureSuccess();

    /// <summary>An annotation of a node; null if it has none of this name.</summary>
    public async Task<string?> AnnotationAsync(string node, string annotation, CancellationToken cancel) =>
        (await NodeAsync(node, cancel))["metadata"]!["annotations"]?[annotation]?.GetValue<string>();

    /// <summary>A condition of a node, such as <c>NetworkUnavailable</c>; null if it has none of this type.</summary>
    public async Task<JsonNode?> ConditionAsync(string node, string type, CancellationToken cancel) =>
        ((await NodeAsync(node, cancel))["status"]?["conditions"]?.AsArray() ?? [])
        .SingleOrDefault(condition => condition!["type"]!.GetValue<string>() == type);

    public async Task CreateNamespaceAsync(string name, CancellationToken cancel) => _ = (await Client.PostAsync(
        "/api/v1/namespaces", new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } }, cancel)).EnsureSuccess();

    /// <summary>A Lease of coordination.k8s.io; null if there is none.</summary>
    public async Task<JsonNode?> LeaseAsync(string namespaceName, string name, CancellationToken cancel)
    {
        var response = await Client.GetAsync($"/apis/coordination.k8s.io/v1/namespaces/{namespaceName}/leases/{name}", cancel);
        return response.StatusCode == HttpStatusCode.NotFound ? null : response.EnsureSuccess();
    }

    /// <summary>The Events of a namespace. Those about nodes are in <c>default</c>.</summary>
    public async Task<IReadOnlyList<JsonNode>> EventsAsync(string namespaceName, CancellationToken cancel) =>
        [.. (await GetAsync($"/api/v1/namespaces/{namespaceName}/events", cancel))["items"]!.AsArray().Select(item => item!)];

    /// <summary>Creates a service account with a cluster role of the same name as the account and its namespace.</summary>
    public async Task CreateServiceAccountAsync(string namespaceName, string name, CancellationToken cancel, params KubeRule[] clusterRules)
    {
        var metadata = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } };
        _ = (await Client.PostAsync($"/api/v1/namespaces/{namespaceName}/serviceaccounts", metadata, cancel)).EnsureSuccess();
        if (clusterRules.Length > 0)
        {
            var role = ClusterRoleOf(namespaceName, name);
            await PutClusterRoleAsync(role, clusterRules, cancel);
            await BindAsync($"{Rbac}/clusterrolebindings", "ClusterRole", role, namespaceName, name, cancel);
        }
    }

    /// <summary>Replaces the rules of the cluster role of a service account. They are effective within a second.</summary>
    public Task SetClusterRulesAsync(string namespaceName, string account, CancellationToken cancel, params KubeRule[] rules) =>
        PutClusterRoleAsync(ClusterRoleOf(namespaceName, account), rules, cancel);

    /// <summary>Permits a service account more in its own namespace, such as a Lease.</summary>
    public async Task AddNamespaceRulesAsync(string namespaceName, string account, CancellationToken cancel, params KubeRule[] rules)
    {
        var roles = $"{Rbac}/namespaces/{namespaceName}";
        _ = (await Client.PostAsync($"{roles}/roles", RoleOf(account, rules), cancel)).EnsureSuccess();
        await BindAsync($"{roles}/rolebindings", "Role", account, namespaceName, account, cancel);
    }

    public async Task DeleteServiceAccountAsync(string namespaceName, string name, CancellationToken cancel) =>
        _ = (await Client.DeleteAsync($"/api/v1/namespaces/{namespaceName}/serviceaccounts/{name}", cancel)).EnsureSuccess();

    /// <summary>A token of a service account, issued by the TokenRequest API.</summary>
    /// <param name="lifetime">At least 10 minutes.</param>
    /// <param name="audience">Who accepts it; null for the API server.</param>
    public async Task<string> RequestTokenAsync(
        string namespaceName, string account, CancellationToken cancel, TimeSpan? lifetime = null, string? audience = null)
    {
        var spec = new JsonObject { ["expirationSeconds"] = (long)(lifetime ?? TimeSpan.FromHours(1)).TotalSeconds };
        if (audience is not null) spec["audiences"] = new JsonArray(audience);
        var request = new JsonObject { ["spec"] = spec };
        var path = $"/api/v1/namespaces/{namespaceName}/serviceaccounts/{account}/token";
        return (await Client.PostAsync(path, request, cancel)).EnsureSuccess()["status"]!["token"]!.GetValue<string>();
    }

    internal async Task<string> ServiceAccountUidAsync(string namespaceName, string account, CancellationToken cancel) =>
        (await GetAsync($"/api/v1/namespaces/{namespaceName}/serviceaccounts/{account}", cancel))["metadata"]!["uid"]!.GetValue<string>();

    /// <summary>Creates or changes the objects of a YAML manifest, as <c>kubectl apply --server-side --force-conflicts</c>.</summary>
    public async Task ApplyAsync(string yaml, CancellationToken cancel)
    {
        foreach (var document in KubeManifest.Parse(yaml))
        {
            var path = await PathAsync(document, cancel);
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(document.Yaml))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/apply-patch+yaml") },
            };
            _ = (await Client.SendAsync(HttpMethod.Patch, $"{path}?fieldManager=test&force=true", cancel, content)).EnsureSuccess();
        }
    }

    private async Task<string> PathAsync(KubeManifest document, CancellationToken cancel)
    {
        var group = document.ApiVersion.Contains('/', StringComparison.Ordinal) ? "/apis" : "/api";
        var resources = (await GetAsync($"{group}/{document.ApiVersion}", cancel))["resources"]!.AsArray();
        var resource = resources.FirstOrDefault(candidate => candidate!["kind"]!.GetValue<string>() == document.Kind
                && !candidate["name"]!.GetValue<string>().Contains('/', StringComparison.Ordinal))
            ?? throw new TestbedException($"kube-apiserver has no {document.Kind} in {document.ApiVersion}");
        var within = resource["namespaced"]!.GetValue<bool>() ? $"/namespaces/{document.Namespace}" : "";
        return $"{group}/{document.ApiVersion}{within}/{resource["name"]}/{document.Name}";
    }

    private async Task<JsonNode> GetAsync(string path, CancellationToken cancel) => (await Client.GetAsync(path, cancel)).EnsureSuccess();

    private static string ClusterRoleOf(string namespaceName, string account) => $"{namespaceName}-{account}";

    private static JsonObject RoleOf(string name, KubeRule[] rules) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["rules"] = new JsonArray([.. rules.Select(rule => rule.ToJson())]),
    };

    /// <summary>Creates or replaces it.</summary>
    private async Task PutClusterRoleAsync(string name, KubeRule[] rules, CancellationToken cancel)
    {
        var path = $"{Rbac}/clusterroles";
        var put = await Client.PutAsync($"{path}/{name}", RoleOf(name, rules), cancel);
        _ = (put.StatusCode == HttpStatusCode.NotFound ? await Client.PostAsync(path, RoleOf(name, rules), cancel) : put).EnsureSuccess();
    }

    private async Task BindAsync(string path, string kind, string role, string namespaceName, string account, CancellationToken cancel) =>
        _ = (await Client.PostAsync(path, new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = role },
            ["roleRef"] = new JsonObject { ["apiGroup"] = RbacGroup, ["kind"] = kind, ["name"] = role },
            ["subjects"] = new JsonArray(
                new JsonObject { ["kind"] = "ServiceAccount", ["name"] = account, ["namespace"] = namespaceName }),
        }, cancel)).EnsureSuccess();
}
