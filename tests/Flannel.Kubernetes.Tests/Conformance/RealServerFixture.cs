using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>One real API server for all of these tests, which run one after another: some of them stop it.</summary>
public sealed class RealServerFixture : IAsyncDisposable
{
    private readonly RunFolder folder = new("conformance");
    private KubeApiServer? server;
    private int tests;

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        folder.Dispose();
    }

    internal async Task<IServerUnderTest> BeginTestAsync()
    {
        if (KubePrograms.Unavailable is { } reason) Assert.Skip(reason);
        server ??= await KubeApiServer.StartAsync(folder.Path, TestContext.Current.CancellationToken);
        return await RealServer.BeginAsync(server, folder.Path, ++tests);
    }
}

[CollectionDefinition(Name)]
public sealed class RealServerTestGroup : ICollectionFixture<RealServerFixture>
{
    public const string Name = "real kube-apiserver";
}
