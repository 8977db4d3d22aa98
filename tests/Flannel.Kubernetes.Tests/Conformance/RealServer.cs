using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Http;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;
using KubeNode = Flannel.Kubernetes.Client.Objects.KubeNode;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>A real API server as the server under test: without nodes and events at the beginning of each test, and with a namespace for
/// each.</summary>
internal sealed class RealServer : IServerUnderTest
{
    private readonly KubeApiServer server;
    private readonly string folder;
    private readonly List<KubeApi> clients = [];
    private bool isStopped;
    private int writes;

    private RealServer(KubeApiServer server, string folder, string @namespace) =>
        (this.server, this.folder, Namespace) = (server, folder, @namespace);

    public string Namespace { get; }

    public IKubeApi Client { get; private set; } = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private KubeAdmin Admin => server.Admin;

    public static async Task<RealServer> BeginAsync(KubeApiServer server, string folder, int number)
    {
        var begun = new RealServer(server, folder, string.Create(CultureInfo.InvariantCulture, $"conformance-{number}"));
        await begun.Admin.CreateNamespaceAsync(begun.Namespace, Cancel);
        _ = (await begun.Admin.Client.DeleteAsync("/api/v1/nodes", Cancel)).EnsureSuccess();
        _ = (await begun.Admin.Client.DeleteAsync("/api/v1/namespaces/default/events", Cancel)).EnsureSuccess();
        begun.Client = await begun.CreateClientAsync("all", ModelAccount.Everything);
        return begun;
    }

    public Task<IKubeApi> CreateClientAsync(AccessReview denied) =>
        CreateClientAsync("denied", [.. ModelAccount.Everything.Where(access => access != denied)]);

    public IKubeApi CreateUnauthenticatedClient() => CreateClient("invalid", "invalid");

    public Task CreateNodeAsync(KubeNode node) => Admin.CreateNodeAsync(
        new Testbed.Kubernetes.KubeNode(node.Name, [.. node.PodCidrs])
        {
            ProviderId = node.ProviderId.Length > 0 ? node.ProviderId : null,
            Labels = node.Labels,
            Annotations = node.Annotations,
        }, Cancel);

    public Task DeleteNodeAsync(string name) => Admin.DeleteNodeAsync(name, Cancel);

    public async Task TouchNodeAsync(string name)
    {
        var status = new JsonObject
        {
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["message"] = $"write {++writes}" }),
        };
        _ = (await Admin.Client.PatchAsync($"/api/v1/nodes/{name}/status", new JsonObject { ["status"] = status }, Cancel)).EnsureSuccess();
    }

    public Task LabelNodeAsync(string name, string label, string value) => Admin.LabelNodeAsync(name, label, value, Cancel);

    public async Task CreatePodAsync(string name, string? nodeName)
    {
        var spec = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "a", ["image"] = "a" }) };
        if (nodeName is not null) spec["nodeName"] = nodeName;
        var pod = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec };
        _ = (await Admin.Client.PostAsync($"/api/v1/namespaces/{Namespace}/pods", pod, Cancel)).EnsureSuccess();
    }

    public async Task DeleteLeaseAsync(string name) => _ = (await Admin.Client.DeleteAsync(
        $"/apis/coordination.k8s.io/v1/namespaces/{Namespace}/leases/{name}", Cancel)).EnsureSuccess();

    public async Task WriteAnotherObjectAsync()
    {
        var map = new JsonObject { ["metadata"] = new JsonObject { ["name"] = $"map-{++writes}" } };
        _ = (await Admin.Client.PostAsync($"/api/v1/namespaces/{Namespace}/configmaps", map, Cancel)).EnsureSuccess();
    }

    public async Task CompactAsync()
    {
        var newest = await Client.ListNodesAsync(new NodeListRequest(), Cancel);
        await server.Etcd.ControlAsync(Cancel, "compact", newest.ResourceVersion);
    }

    /// <summary>Without a regular end, which waits up to a minute for open watches.</summary>
    public Task StopAsync()
    {
        isStopped = true;
        return server.KillAsync(Cancel);
    }

    public async Task StartAsync()
    {
        await server.StartAgainAsync(Cancel);
        isStopped = false;
    }

    public async ValueTask DisposeAsync()
    {
        if (isStopped) await server.StartAgainAsync(CancellationToken.None);
        foreach (var client in clients) client.Dispose();
    }

    private async Task<IKubeApi> CreateClientAsync(string account, IReadOnlyList<AccessReview> allowed)
    {
        await Admin.CreateServiceAccountAsync(Namespace, account, Cancel, [.. allowed.Select(Rule)]);
        var client = CreateClient(account, await Admin.RequestTokenAsync(Namespace, account, Cancel));
        await Eventually.IsAsync("the rules are effective", async () =>
        {
            foreach (var access in allowed)
            {
                if (!await client.CanIAsync(access, Cancel)) return false;
            }

            return true;
        }, Cancel);
        return client;
    }

    private KubeApi CreateClient(string account, string token)
    {
        var path = Path.Combine(folder, $"{Namespace}-{account}");
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "token"), token);
        File.Copy(server.AuthorityFile, Path.Combine(path, "ca.crt"), overwrite: true);
        var environment = new Dictionary<string, string>
        {
            ["KUBERNETES_SERVICE_HOST"] = server.Endpoint.Host,
            ["KUBERNETES_SERVICE_PORT"] = server.Endpoint.Port.ToString(CultureInfo.InvariantCulture),
        };
        var created = KubeApi.Create(
            new KubeAccessOptions { ServiceAccountFolder = path, Environment = environment.GetValueOrDefault },
            new KubeApiContext
            {
                ProgramVersion = "test",
                Logger = NullLogger.Instance,
                Time = TimeProvider.System,
                Random = new Random(1),
            });
        Assert.True(created.Ok, created.Ok ? "" : created.Error);
        clients.Add(created.Value);
        return created.Value;
    }

    private static KubeRule Rule(AccessReview access) => new(
        access.Group, access.Subresource.Length > 0 ? $"{access.Resource}/{access.Subresource}" : access.Resource, access.Verb);
}
