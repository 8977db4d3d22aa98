using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Flannel.Core;
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
        var start = new ProcessStartInfo(EtcdProcess.Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["grpc-proxy", "start", $"--endpoints={etcd.Endpoint}", $"--listen-addr=127.0.0.1:{port}"])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var proxy = new GrpcProxy(process, port);
        await Eventually.IsAsync("the proxy listens", () =>
        {
            if (process.HasExited) Assert.Fail($"etcd grpc-proxy ended with {process.ExitCode}");
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process.Dispose();
    }
}
