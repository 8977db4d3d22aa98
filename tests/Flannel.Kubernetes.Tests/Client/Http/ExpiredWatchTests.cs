using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Tests.Client.Support;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;
using NodeSetup = Flannel.Testbed.Kubernetes.KubeNode;

namespace Flannel.Kubernetes.Tests.Client.Http;

/// <summary>A real kube-apiserver that is stopped and started again.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public class ExpiredWatchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_watch_breaks_with_the_API_server_and_its_resource_version_expires()
    {
        if (KubePrograms.Unavailable is { } reason) Assert.Skip(reason);
        using var folder = new RunFolder("expired-watch");
        await using var server = await KubeApiServer.StartAsync(folder.Path, Token);
        await server.Admin.CreateNamespaceAsync("flannel", Token);
        await server.Admin.CreateServiceAccountAsync("flannel", "flannel", Token, new KubeRule("", "nodes", "get", "list", "watch"));
        var path = Path.Combine(folder.Path, "kubeconfig");
        await server.WriteKubeconfigAsync(path, await server.Admin.RequestTokenAsync("flannel", "flannel", Token), Token);
        var parts = new ClientParts();
        using var api = Clients.Of(new KubeAccessOptions { KubeconfigFile = path }, parts);
        await server.Admin.CreateNodeAsync(new NodeSetup("n1", "10.24.1.0/24"), Token);
        var first = await api.ListNodesAsync(new NodeListRequest(), Token);

        await using var events = api.WatchNodesAsync(null, first.ResourceVersion, Token).GetAsyncEnumerator(Token);
        await server.Admin.CreateNodeAsync(new NodeSetup("n2", "10.24.2.0/24"), Token);
        Assert.True(await events.MoveNextAsync());
        var next = events.MoveNextAsync().AsTask();
        await server.KillAsync(Token);
        var broken = await Assert.ThrowsAsync<KubeException>(() => next);
        Assert.Equal((KubeErrorKind.Unavailable, 1), (broken.Kind, parts.Observer.Interruptions));
        var refused = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", Token));
        Assert.Equal($"get nodes/n1: {server.Endpoint.ToString().TrimEnd('/')}: connection refused", refused.Message);

        await server.StartAgainAsync(Token);
        await server.Admin.CreateNodeAsync(new NodeSetup("n3", "10.24.3.0/24"), Token);
        var expired = await Assert.ThrowsAsync<KubeException>(async () =>
        {
            await foreach (var _ in api.WatchNodesAsync(null, first.ResourceVersion, Token))
            {
            }
        });
        Assert.Equal(KubeErrorKind.Expired, expired.Kind);
        Assert.Equal(3, (await api.ListNodesAsync(new NodeListRequest(), Token)).Nodes.Count);
    }
}
