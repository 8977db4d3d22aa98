using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Http;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;
using NodeSetup = Flannel.Testbed.Kubernetes.KubeNode;

namespace Flannel.Kubernetes.Tests.Client.Http;

/// <summary>Each request against a real kube-apiserver, with the permissions that the manifest grants.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class RealApiServerTests(SharedKubeApiServer shared) : IAsyncLifetime
{
    private const string Account = "flannel";

    private static readonly KubeRule[] clusterRules =
    [
        new("", "pods", "get"), new("", "nodes", "get", "list", "watch"), new("", "nodes/status", "patch"),
        new("", "events", "create", "patch"),
    ];

    private readonly RunFolder folder = new("kube-client");
    private readonly ClientParts parts = new();
    private KubeApiServer server = null!;
    private KubeApi api = null!;
    private string space = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (KubePrograms.Unavailable is { } reason) Assert.Skip(reason);
        server = await shared.ServerAsync();
        space = shared.NewName("client");
        await server.Admin.CreateNamespaceAsync(space, Token);
        await server.Admin.CreateServiceAccountAsync(space, Account, Token, clusterRules);
        await server.Admin.AddNamespaceRulesAsync(
            space, Account, Token, new KubeRule("coordination.k8s.io", "leases", "get", "create", "update"));
        await server.WriteServiceAccountAsync(folder.Path, space, await server.Admin.RequestTokenAsync(space, Account, Token), Token);
        api = Clients.Of(InPod(), parts);
    }

    public ValueTask DisposeAsync()
    {
        api?.Dispose();
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_node_is_read_patched_and_its_condition_merged()
    {
        var name = await NewNodeAsync("10.24.5.0/24", "fd00:24:5::/64");
        var node = await api.GetNodeAsync(name, Token);
        Assert.Equal(["10.24.5.0/24", "fd00:24:5::/64"], node.PodCidrs);
        Assert.Null(node.NetworkUnavailable);
        var transition = new DateTimeOffset(2026, 11, 28, 1, 2, 3, TimeSpan.Zero);
        var condition = new NodeCondition(false, "FlannelIsUp", "Flannel is running on this node", transition);
        await server.Admin.PatchNodeAsync(
            name, System.Text.Json.Nodes.JsonNode.Parse("""{"metadata":{"annotations":{"other/x":"stays","p/old":"1"}}}""")!, Token);
        var patched = await api.PatchNodeStatusAsync(name, new NodeStatusPatch
        {
            Uid = node.Uid,
            Annotations = new Dictionary<string, string?> { ["p/new"] = "{\"a\":1}", ["p/old"] = null },
            NetworkUnavailable = condition,
        }, Token);
        Assert.Equal(condition, patched.NetworkUnavailable);
        Assert.Equal(("stays", "{\"a\":1}", false),
            (patched.Annotations["other/x"], patched.Annotations["p/new"], patched.Annotations.ContainsKey("p/old")));
        Assert.NotEqual(node.ResourceVersion, patched.ResourceVersion);
        var changed = condition with { IsTrue = true, Reason = "NoRouteCreated" };
        patched = await api.PatchNodeStatusAsync(name, new NodeStatusPatch { NetworkUnavailable = changed }, Token);
        Assert.Equal(changed, patched.NetworkUnavailable);
        Assert.Single(((await server.Admin.NodeAsync(name, Token))["status"]!["conditions"]!).AsArray());
    }

    [Fact]
    public async Task A_patch_for_a_former_node_of_the_same_name_is_a_conflict()
    {
        var name = await NewNodeAsync("10.24.6.0/24");
        var former = await api.GetNodeAsync(name, Token);
        await server.Admin.DeleteNodeAsync(name, Token);
        await server.Admin.CreateNodeAsync(new NodeSetup(name, "10.24.6.0/24"), Token);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.PatchNodeStatusAsync(
            name, new NodeStatusPatch { Uid = former.Uid, Annotations = new Dictionary<string, string?> { ["p/a"] = "1" } }, Token));
        Assert.Equal((KubeErrorKind.Conflict, false), (e.Kind, e.MayHaveHappened));
        Assert.Empty((await api.GetNodeAsync(name, Token)).Annotations);
    }

    [Fact]
    public async Task Nodes_are_listed_in_pages_by_name_and_from_the_cache()
    {
        var names = new[] { await NewNodeAsync("10.24.7.0/24"), await NewNodeAsync("10.24.8.0/24") };
        var found = new List<string>();
        string? next = null;
        do
        {
            var page = await api.ListNodesAsync(new NodeListRequest { Limit = 1, Continue = next }, Token);
            Assert.Single(page.Nodes);
            found.AddRange(page.Nodes.Select(node => node.Name));
            next = page.Continue;
        }
        while (next is not null);
        Assert.Equal(found.Count, found.Distinct().Count());
        Assert.All(names, name => Assert.Contains(name, found));
        Assert.Equal(names[0], Assert.Single((await api.ListNodesAsync(new NodeListRequest(names[0]), Token)).Nodes).Name);
        await Eventually.IsAsync("the cache of the API server has the nodes", async () =>
        {
            var cached = await api.ListNodesAsync(new NodeListRequest { ResourceVersion = "0" }, Token);
            return names.All(name => cached.Nodes.Any(node => node.Name == name));
        }, Token);
    }

    [Fact]
    public async Task A_watch_receives_the_changes_of_the_node_that_it_asks_for()
    {
        var list = await api.ListNodesAsync(new NodeListRequest { Limit = 1 }, Token);
        var (name, other) = (shared.NewName("node"), shared.NewName("node"));
        await server.Admin.CreateNodeAsync(new NodeSetup(other, "10.24.9.0/24"), Token);
        await server.Admin.CreateNodeAsync(new NodeSetup(name, "10.24.10.0/24"), Token);
        var annotations = new Dictionary<string, string?> { ["p/a"] = "1" };
        await api.PatchNodeStatusAsync(name, new NodeStatusPatch { Annotations = annotations }, Token);
        await server.Admin.DeleteNodeAsync(name, Token);
        var events = new List<KubeNodeEvent>();
        await foreach (var next in api.WatchNodesAsync(name, list.ResourceVersion, Token))
        {
            if (next is not KubeNodeEvent.Bookmark) events.Add(next);
            if (next is KubeNodeEvent.Deleted) break;
        }

        Assert.Collection(
            events,
            added => Assert.Empty(Assert.IsType<KubeNodeEvent.Changed>(added).Node.Annotations),
            changed => Assert.Equal("1", Assert.IsType<KubeNodeEvent.Changed>(changed).Node.Annotations["p/a"]),
            deleted => Assert.Equal(name, Assert.IsType<KubeNodeEvent.Deleted>(deleted).Node.Name));
    }

    [Fact]
    public async Task A_lease_is_created_updated_and_guarded_by_its_resource_version()
    {
        var name = new ObjectName(space, "controller");
        var missing = await Assert.ThrowsAsync<KubeException>(() => api.GetLeaseAsync(name, Token));
        Assert.Equal(KubeErrorKind.NotFound, missing.Kind);
        var time = new DateTimeOffset(2026, 11, 28, 1, 2, 3, 456, TimeSpan.Zero);
        var created = await api.CreateLeaseAsync(new KubeLease(name, "")
        {
            HolderIdentity = "a",
            Duration = TimeSpan.FromSeconds(15),
            AcquireTime = time,
            RenewTime = time,
            Labels = new Dictionary<string, string> { ["app"] = "flannel" },
            Annotations = new Dictionary<string, string> { ["x/y"] = "z" },
        }, Token);
        Assert.Equal((time, time, TimeSpan.FromSeconds(15), "z"),
            (created.AcquireTime, created.RenewTime, created.Duration, created.Annotations["x/y"]));
        var again = await Assert.ThrowsAsync<KubeException>(() => api.CreateLeaseAsync(new KubeLease(name, ""), Token));
        Assert.Equal(KubeErrorKind.Conflict, again.Kind);
        var updated = await api.UpdateLeaseAsync(created with { HolderIdentity = "b", Transitions = 1 }, Token);
        Assert.Equal(("b", 1, "flannel"), (updated.HolderIdentity, updated.Transitions, updated.Labels["app"]));
        var stale = await Assert.ThrowsAsync<KubeException>(() => api.UpdateLeaseAsync(created with { HolderIdentity = "c" }, Token));
        Assert.Equal((KubeErrorKind.Conflict, false), (stale.Kind, stale.MayHaveHappened));
        var released = await api.UpdateLeaseAsync(updated with { HolderIdentity = "", Duration = TimeSpan.Zero, RenewTime = null }, Token);
        Assert.Equal(("", null), (released.HolderIdentity, released.RenewTime));
        Assert.Equal(released.ResourceVersion, (await api.GetLeaseAsync(name, Token)).ResourceVersion);
    }

    [Fact]
    public async Task An_event_about_a_node_is_created_and_counted()
    {
        var node = await api.GetNodeAsync(await NewNodeAsync("10.24.11.0/24"), Token);
        var time = new DateTimeOffset(2026, 11, 28, 1, 2, 3, TimeSpan.Zero);
        var recorded = new KubeEvent(new ObjectName("default", $"{node.Name}.1"))
        {
            NodeName = node.Name,
            NodeUid = node.Uid,
            IsWarning = true,
            Reason = "RouteCreationFailed",
            Message = "quota",
            FirstTime = time,
            LastTime = time,
        };
        Assert.Equal(recorded, await api.CreateEventAsync(recorded, Token));
        var repeated = recorded with { Count = 2, LastTime = time.AddMinutes(1), Message = "quota again" };
        Assert.Equal(repeated, await api.PatchEventAsync(repeated, Token));
        var stored = Assert.Single(
            await server.Admin.EventsAsync("default", Token), e => e["metadata"]!["name"]!.GetValue<string>() == recorded.Name.Name);
        Assert.Equal(("flanneld", "Node", node.Uid, "Warning"),
            (stored["source"]!["component"]!.GetValue<string>(), stored["involvedObject"]!["kind"]!.GetValue<string>(),
                stored["involvedObject"]!["uid"]!.GetValue<string>(), stored["type"]!.GetValue<string>()));
    }

    [Fact]
    public async Task The_node_of_a_pod_is_read()
    {
        var pod = System.Text.Json.Nodes.JsonNode.Parse(
            """{"metadata":{"name":"p"},"spec":{"nodeName":"n1","containers":[{"name":"c","image":"i"}]}}""")!;
        (await server.Admin.Client.PostAsync($"/api/v1/namespaces/{space}/pods", pod, Token)).EnsureSuccess();
        Assert.Equal("n1", await api.GetPodNodeNameAsync(new ObjectName(space, "p"), Token));
        var missing = await Assert.ThrowsAsync<KubeException>(() => api.GetPodNodeNameAsync(new ObjectName(space, "q"), Token));
        Assert.Equal((KubeErrorKind.NotFound, $"get pods/{space}/q: pods \"q\" not found (404)"), (missing.Kind, missing.Message));
    }

    [Fact]
    public async Task Permissions_and_the_version_are_read()
    {
        Assert.True(await api.CanIAsync(new AccessReview("patch", "", "nodes", "status"), Token));
        Assert.False(await api.CanIAsync(new AccessReview("patch", "", "nodes"), Token));
        Assert.True(await api.CanIAsync(new AccessReview("update", "coordination.k8s.io", "leases", Namespace: space), Token));
        Assert.False(await api.CanIAsync(new AccessReview("update", "coordination.k8s.io", "leases", Namespace: "default"), Token));
        Assert.StartsWith("v1.", await api.GetVersionAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_permission_names_its_rule()
    {
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetLeaseAsync(new ObjectName("default", "x"), Token));
        Assert.Equal(KubeErrorKind.Forbidden, e.Kind);
        Assert.EndsWith(
            "; add to its Role: apiGroups: [\"coordination.k8s.io\"], resources: [\"leases\"], verbs: [\"get\"]", e.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_token_is_unauthorized_until_it_is_replaced()
    {
        var file = Path.Combine(folder.Path, "token");
        var good = await File.ReadAllTextAsync(file, Token);
        await File.WriteAllTextAsync(file, "bad", Token);
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetVersionAsync(Token));
        Assert.Equal(KubeErrorKind.Unauthorized, e.Kind);
        await File.WriteAllTextAsync(file, good, Token);
        Assert.NotEmpty(await api.GetVersionAsync(Token));
    }

    [Fact]
    public async Task A_client_certificate_authenticates()
    {
        var path = Path.Combine(folder.Path, "kubeconfig");
        await server.WriteKubeconfigAsync(path, server.IssueClientCertificate(shared.NewName("user")), Token);
        using var client = Clients.Of(new KubeAccessOptions { KubeconfigFile = path });
        Assert.False(await client.CanIAsync(new AccessReview("get", "", "nodes"), Token));
        var e = await Assert.ThrowsAsync<KubeException>(() => client.GetNodeAsync("n1", Token));
        Assert.Contains("User \"user-", e.Message, StringComparison.Ordinal);
    }

    private KubeAccessOptions InPod() => new()
    {
        ServiceAccountFolder = folder.Path,
        Environment = name => name switch
        {
            "KUBERNETES_SERVICE_HOST" => server.Endpoint.Host,
            "KUBERNETES_SERVICE_PORT" => $"{server.Endpoint.Port}",
            _ => null,
        },
    };

    private async Task<string> NewNodeAsync(params string[] cidrs)
    {
        var name = shared.NewName("node");
        await server.Admin.CreateNodeAsync(new NodeSetup(name, cidrs), Token);
        return name;
    }
}
