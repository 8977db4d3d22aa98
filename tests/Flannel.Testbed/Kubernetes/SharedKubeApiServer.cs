using System.Globalization;

namespace Flannel.Testbed.Kubernetes;

/// <summary>One API server for all tests of an assembly that leave it as it is; the first test that needs it starts it. Each test has
/// namespaces and nodes with names of its own.</summary>
public sealed class SharedKubeApiServer : IAsyncDisposable
{
    private readonly RunFolder folder = new("kubernetes");
    private readonly Lazy<Task<KubeApiServer>> server;
    private int names;

    public SharedKubeApiServer() => server = new(() => KubeApiServer.StartAsync(folder.Path, CancellationToken.None));

    /// <summary>The running server. Tests do not stop or restart it.</summary>
    public Task<KubeApiServer> ServerAsync() => server.Value;

    /// <summary>A name that no other test has, for a namespace or a node: <c>node-3</c>.</summary>
    public string NewName(string what) => $"{what}-{Interlocked.Increment(ref names).ToString(CultureInfo.InvariantCulture)}";

    public async ValueTask DisposeAsync()
    {
        if (server.IsValueCreated)
        {
            await (await server.Value).DisposeAsync();
        }
        folder.Dispose();
    }
}
