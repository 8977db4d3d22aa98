using System.Globalization;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>What the program expects of an API server. The tests run on the model and on a real server, so that other tests can rely on
/// the model.</summary>
public abstract class KubeApiTests : IAsyncLifetime
{
    private protected const string Annotation = "flannel.alpha.coreos.com/backend-type";
    private protected const string OtherAnnotation = "example.com/other";

    private IServerUnderTest? server;

    private protected IServerUnderTest Server => server ?? throw new InvalidOperationException("the test has not begun");

    private protected IKubeApi Api => Server.Client;

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await StartServerAsync();

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<IServerUnderTest> StartServerAsync();

    private protected static NodeStatusPatch Annotate(string name, string? value) =>
        new() { Annotations = new Dictionary<string, string?> { [name] = value } };

    private protected static async Task<KubeException> FailsAsync(KubeErrorKind kind, Func<Task> request)
    {
        var failure = await Assert.ThrowsAsync<KubeException>(request);
        Assert.True(kind == failure.Kind, $"expected {kind}: {failure.Kind}: {failure.Message}");
        Assert.False(failure.MayHaveHappened);
        return failure;
    }

    /// <summary>Creates the node and returns it as the API has it.</summary>
    private protected async Task<KubeNode> CreateNodeAsync(string name, params IReadOnlyList<string> podCidrs)
    {
        await Server.CreateNodeAsync(new KubeNode(name, "", "") { PodCidrs = podCidrs });
        return await Api.GetNodeAsync(name, Cancel);
    }

    /// <summary>The resource version of the newest list.</summary>
    private protected async Task<string> ListVersionAsync() => (await Api.ListNodesAsync(new NodeListRequest(), Cancel)).ResourceVersion;

    private protected static long Number(string resourceVersion) => long.Parse(resourceVersion, CultureInfo.InvariantCulture);
}
