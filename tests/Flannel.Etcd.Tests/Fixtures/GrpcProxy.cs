using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>etcd's own <c>etcd grpc-proxy</c> in front of an etcd.</summary>
public sealed class GrpcProxy : IAsyncDisposable
{
    private readonly Process process;

    private GrpcProxy(Process process, int port) => (this.process, Endpoint) = (process, $"http://127.0.0.1:{port}");

    public string Endpoint { get; }

    public bool IsRunning => !process.HasExited;

    public static async Task<GrpcProxy> StartAsync(EtcdProcess etcd)
    {
        var port = Ports.Free();
        var process = EtcdProgram.Start("grpc-proxy", "start", $"--endpoints={etcd.Endpoint}", $"--listen-addr=127.0.0.1:{port}");
        await EtcdProgram.WaitUntilListeningAsync(process, port);
        return new GrpcProxy(process, port);
    }

    public async ValueTask DisposeAsync() => await EtcdProgram.EndAsync(process);
}
