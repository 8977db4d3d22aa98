using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;
using YamlDotNet.RepresentationModel;

[assembly: AssemblyFixture(typeof(SharedKubeApiServer))]

namespace Flannel.EndToEnd.Tests.Testbed;

/// <summary>What flannel relies on, shown on the API server of the test bed.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class KubeApiServerTests(SharedKubeApiServer shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_has_the_fields_that_were_given()
    {
        var admin = (await StartAsync()).Admin;
        var name = shared.NewName("node");
        await admin.CreateNodeAsync(new KubeNode(name, "10.24.5.0/24", "fd00:24:5::/64")
        {
            ProviderId = "alicloud://cn-hangzhou.i-1",
            Labels = new Dictionary<string, string> { ["zone"] = "a" },
            Annotations = new Dictionary<string, string> { ["note"] = "1" },
        }, Cancel);

        var node = await admin.NodeAsync(name, Cancel);
        Assert.Equal("""["10.24.5.0/24","fd00:24:5::/64"]""", node["spec"]!["podCIDRs"]!.ToJsonString());
        Assert.Equal("10.24.5.0/24", node["spec"]!["podCIDR"]!.GetValue<string>());
        Assert.Equal("alicloud://cn-hangzhou.i-1", node["spec"]!["providerID"]!.GetValue<string>());
        Assert.Equal("a", node["metadata"]!["labels"]!["zone"]!.GetValue<string>());

        await admin.AnnotateNodeAsync(name, "note", "2", Cancel);
        Assert.Equal("2", await admin.AnnotationAsync(name, "note", Cancel));
        await admin.AnnotateNodeAsync(name, "note", null, Cancel);
        Assert.Null(await admin.AnnotationAsync(name, "note", Cancel));
        await admin.DeleteNodeAsync(name, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, (await admin.Client.GetAsync($"/api/v1/nodes/{name}", Cancel)).StatusCode);
    }

    [Fact]
    public async Task An_anonymous_client_is_forbidden_and_an_unknown_token_unauthorized()
    {
        var server = await StartAsync();
        Assert.Equal(HttpStatusCode.Forbidden, (await server.CreateClient(null).GetAsync("/api/v1/nodes", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.CreateClient("unknown").GetAsync("/api/v1/nodes", Cancel)).StatusCode);
    }

    [Fact]
    public async Task The_role_of_upstream_permits_the_status_of_a_node_and_not_the_node()
    {
        var server = await StartAsync();
        var (name, space) = (shared.NewName("node"), shared.NewName("flannel"));
        await server.Admin.CreateNodeAsync(new KubeNode(name, "10.24.6.0/24"), Cancel);
        // A manifest can be applied again.
        await server.Admin.ApplyAsync(UpstreamManifest.RbacFor(space), Cancel);
        await server.Admin.ApplyAsync(UpstreamManifest.RbacFor(space), Cancel);
        var flannel = server.CreateClient(await server.Admin.RequestTokenAsync(space, "flannel", Cancel));

        Assert.Equal(HttpStatusCode.OK, (await flannel.GetAsync("/api/v1/nodes?limit=1", Cancel)).StatusCode);
        var patch = Annotation("flannel.alpha.coreos.com/public-ip", "192.168.1.11");
        Assert.Equal(HttpStatusCode.Forbidden, (await flannel.PatchAsync($"/api/v1/nodes/{name}", patch, Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await flannel.PatchAsync($"/api/v1/nodes/{name}/status", patch, Cancel)).StatusCode);
        Assert.Equal("192.168.1.11", await server.Admin.AnnotationAsync(name, "flannel.alpha.coreos.com/public-ip", Cancel));

        await flannel.PatchAsync($"/api/v1/nodes/{name}/status", Condition("False"), Cancel);
        await flannel.PatchAsync($"/api/v1/nodes/{name}/status", Condition("True"), Cancel);
        Assert.Equal("True", (await server.Admin.ConditionAsync(name, "NetworkUnavailable", Cancel))!["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_service_account_has_exactly_the_permissions_of_its_rules()
    {
        var server = await StartAsync();
        var (name, space) = (shared.NewName("node"), shared.NewName("flannel"));
        await server.Admin.CreateNodeAsync(new KubeNode(name), Cancel);
        await server.Admin.CreateNamespaceAsync(space, Cancel);
        await server.Admin.CreateServiceAccountAsync(space, "flannel", Cancel, new KubeRule("", "nodes", "get"));
        await server.Admin.AddNamespaceRulesAsync(
            space, "flannel", Cancel, new KubeRule("coordination.k8s.io", "leases", "get", "create"));
        var flannel = server.CreateClient(await server.Admin.RequestTokenAsync(space, "flannel", Cancel));

        await WaitForStatusAsync(flannel, $"/api/v1/nodes/{name}", HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Forbidden, (await flannel.GetAsync("/api/v1/nodes", Cancel)).StatusCode);
        var leases = $"/apis/coordination.k8s.io/v1/namespaces/{space}/leases";
        var lease = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "controller" } };
        await WaitForStatusAsync(flannel, $"{leases}/controller", HttpStatusCode.NotFound);
        Assert.Null(await server.Admin.LeaseAsync(space, "controller", Cancel));
        Assert.Equal(HttpStatusCode.Created, (await flannel.PostAsync(leases, lease, Cancel)).StatusCode);
        Assert.NotNull(await server.Admin.LeaseAsync(space, "controller", Cancel));
        Assert.Equal(HttpStatusCode.Forbidden, (await flannel.DeleteAsync($"{leases}/controller", Cancel)).StatusCode);

        await server.Admin.SetClusterRulesAsync(space, "flannel", Cancel, new KubeRule("", "nodes", "list"));
        await WaitForStatusAsync(flannel, $"/api/v1/nodes/{name}", HttpStatusCode.Forbidden);
        await WaitForStatusAsync(flannel, "/api/v1/nodes", HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_is_rejected_a_minute_after_its_expiry()
    {
        var server = await StartAsync();
        var space = shared.NewName("flannel");
        await server.Admin.CreateNamespaceAsync(space, Cancel);
        await server.Admin.CreateServiceAccountAsync(space, "flannel", Cancel, new KubeRule("", "nodes", "list"));
        var valid = server.CreateClient(await server.SignTokenAsync(space, "flannel", TimeSpan.FromMinutes(5), Cancel));
        await WaitForStatusAsync(valid, "/api/v1/nodes", HttpStatusCode.OK);
        var expired = server.CreateClient(await server.SignTokenAsync(space, "flannel", TimeSpan.FromSeconds(-58), Cancel));
        await WaitForStatusAsync(expired, "/api/v1/nodes", HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, (await valid.GetAsync("/api/v1/nodes", Cancel)).StatusCode);
    }

    [Fact]
    public async Task A_restart_keeps_the_objects_and_makes_older_resource_versions_too_old_to_watch()
    {
        Require.KubeApiServer();
        using var folder = new RunFolder("kubernetes");
        await using var server = await KubeApiServer.StartAsync(folder.Path, Cancel);
        var node = await server.Admin.CreateNodeAsync(new KubeNode("node-1", "10.24.1.0/24"), Cancel);
        var version = node["metadata"]!["resourceVersion"]!.GetValue<string>();
        var watch = $"/api/v1/nodes?watch=true&resourceVersion={version}";
        await server.Admin.AnnotateNodeAsync("node-1", "note", "1", Cancel);
        Assert.Equal("MODIFIED", (await FirstEventAsync(server, watch))["type"]!.GetValue<string>());

        await server.StopAsync(Cancel);
        await server.StartAgainAsync(Cancel);

        Assert.Equal("1", await server.Admin.AnnotationAsync("node-1", "note", Cancel));
        var expired = await FirstEventAsync(server, watch);
        Assert.Equal(("ERROR", 410), (expired["type"]!.GetValue<string>(), expired["object"]!["code"]!.GetValue<int>()));

        await server.KillAsync(Cancel);
        await server.StartAgainAsync(Cancel);
        Assert.Equal("1", await server.Admin.AnnotationAsync("node-1", "note", Cancel));
    }

    [Fact]
    public async Task Daemons_in_connected_namespaces_use_the_server_of_a_namespace()
    {
        Require.KubeApiServer();
        await Require.NamespacesAsync();
        using var folder = new RunFolder("kubernetes");
        await using var master = await NetworkNamespace.CreateAsync("master", Cancel);
        await using var worker = await NetworkNamespace.CreateAsync("worker", Cancel);
        await master.IpAsync(Cancel,
            $"link add eth0 type veth peer name eth0 netns {worker.Name}", "address add 192.168.1.10/24 dev eth0", "link set eth0 up");
        await worker.IpAsync(Cancel, "address add 192.168.1.11/24 dev eth0", "link set eth0 up");
        await using var server = await KubeApiServer.StartAsync(folder.Path, master, "192.168.1.10", Cancel);

        var fromWorker = server.CreateClient(await CreateReaderAsync(server), worker);
        Assert.Equal(HttpStatusCode.OK, (await fromWorker.GetAsync("/api/v1/nodes", Cancel)).StatusCode);
    }

    [Fact]
    public async Task A_kubeconfig_has_the_server_its_authority_and_the_credentials()
    {
        var server = await StartAsync();
        using var folder = new RunFolder("kubeconfig");
        var path = Path.Combine(folder.Path, "config");
        await server.WriteKubeconfigAsync(path, await CreateReaderAsync(server), Cancel);
        Assert.Contains("\"NodeList\"", await ListNodesAsync(path), StringComparison.Ordinal);

        await server.WriteKubeconfigAsync(path, server.IssueClientCertificate("someone"), Cancel);
        Assert.Contains("User \\\"someone\\\" cannot list resource", await ListNodesAsync(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_files_of_a_service_account_have_its_token_and_its_namespace()
    {
        var server = await StartAsync();
        using var folder = new RunFolder("account");
        await server.WriteServiceAccountAsync(folder.Path, "kube-flannel", "abc", Cancel);
        Assert.Equal("abc", await File.ReadAllTextAsync(Path.Combine(folder.Path, "token"), Cancel));
        Assert.Equal("kube-flannel", await File.ReadAllTextAsync(Path.Combine(folder.Path, "namespace"), Cancel));
        Assert.Equal(
            await File.ReadAllTextAsync(server.AuthorityFile, Cancel),
            await File.ReadAllTextAsync(Path.Combine(folder.Path, "ca.crt"), Cancel));
    }

    private async Task<KubeApiServer> StartAsync()
    {
        Require.KubeApiServer();
        return await shared.ServerAsync();
    }

    /// <summary>The token of a new service account that may list the nodes.</summary>
    private async Task<string> CreateReaderAsync(KubeApiServer server)
    {
        var space = shared.NewName("reader");
        await server.Admin.CreateNamespaceAsync(space, Cancel);
        await server.Admin.CreateServiceAccountAsync(space, "reader", Cancel, new KubeRule("", "nodes", "list"));
        var token = await server.Admin.RequestTokenAsync(space, "reader", Cancel);
        await WaitForStatusAsync(server.CreateClient(token), "/api/v1/nodes", HttpStatusCode.OK);
        return token;
    }

    /// <summary>Changed permissions are effective after the API server has seen them in its own watch.</summary>
    private static Task WaitForStatusAsync(KubeClient client, string path, HttpStatusCode status) =>
        Eventually.IsAsync($"{path}: {status}", async () => (await client.GetAsync(path, Cancel)).StatusCode == status, Cancel);

    private static async Task<JsonNode> FirstEventAsync(KubeApiServer server, string watch)
    {
        await foreach (var first in server.Admin.Client.WatchAsync(watch, Cancel))
        {
            return first;
        }
        throw new TestbedException($"{watch} had no event");
    }

    private static JsonObject Annotation(string name, string value) =>
        new() { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [name] = value } } };

    private static JsonObject Condition(string status) => new()
    {
        ["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "NetworkUnavailable", ["status"] = status }),
        },
    };

    /// <summary>The response to a client that knows only the kubeconfig.</summary>
    private static async Task<string> ListNodesAsync(string kubeconfig)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(await File.ReadAllTextAsync(kubeconfig, Cancel)));
        var root = stream.Documents.Single().RootNode;
        var (cluster, user) = (root["clusters"][0]["cluster"], root["users"][0]["user"]);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(Text(cluster, "certificate-authority")) },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        using var http = new HttpClient(handler) { BaseAddress = new Uri(Text(cluster, "server")) };
        if (((YamlMappingNode)user).Children.ContainsKey("token"))
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Text(user, "token"));
        }
        else
        {
            handler.SslOptions.ClientCertificates =
                [X509Certificate2.CreateFromPemFile(Text(user, "client-certificate"), Text(user, "client-key"))];
        }
        using var response = await http.GetAsync(new Uri("/api/v1/nodes", UriKind.Relative), Cancel);
        return await response.Content.ReadAsStringAsync(Cancel);

        static string Text(YamlNode parent, string name) => ((YamlScalarNode)parent[name]).Value!;
    }
}
