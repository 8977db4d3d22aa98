using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>The model as the server under test.</summary>
internal sealed class ModelServer : IServerUnderTest
{
    private readonly KubeServerModel model = new(new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 500, TimeSpan.Zero)));

    public ModelServer() => Client = new ModelKubeApi(model);

    public string Namespace => "kube-flannel";

    public IKubeApi Client { get; }

    public Task<IKubeApi> CreateClientAsync(AccessReview denied)
    {
        var account = new ModelAccount();
        account.Deny(denied);
        return Task.FromResult<IKubeApi>(new ModelKubeApi(model, account));
    }

    public IKubeApi CreateUnauthenticatedClient() => new ModelKubeApi(model, new ModelAccount { IsAuthenticated = false });

    public Task CreateNodeAsync(KubeNode node) => Run(() => model.CreateNode(node));

    public Task DeleteNodeAsync(string name) => Run(() => model.DeleteNode(name));

    public Task TouchNodeAsync(string name) => Run(() => model.TouchNode(name));

    public Task LabelNodeAsync(string name, string label, string value) => Run(() => model.ChangeNode(
        name, node => node with { Labels = new Dictionary<string, string>(node.Labels) { [label] = value } }));

    public Task CreatePodAsync(string name, string? nodeName) => Run(() => model.SetPod(new ObjectName(Namespace, name), nodeName));

    public Task DeleteLeaseAsync(string name) => Run(() => model.DeleteLease(new ObjectName(Namespace, name)));

    public Task WriteAnotherObjectAsync() => Run(model.WriteAnotherObject);

    public Task CompactAsync() => Run(model.Expire);

    public Task StopAsync() => Run(() => model.IsAvailable = false);

    public Task StartAsync() => Run(() =>
    {
        model.Restart();
        model.IsAvailable = true;
    });

    public ValueTask DisposeAsync() => default;

    private static Task Run(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
