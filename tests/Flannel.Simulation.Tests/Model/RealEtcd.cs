using System.Diagnostics;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Model;

/// <summary>A real etcd on the loopback, with compaction and the NOSPACE alarm, which the client interface does not offer.</summary>
internal sealed class RealEtcd : IAsyncDisposable
{
    private const string Program = "/usr/bin/etcd";

    /// <summary>A field of a protobuf message.</summary>
    private sealed record RequestField(int Number, long Value);

    private readonly string folder = Directory.CreateTempSubdirectory("flannel-sim-").FullName;
    private readonly Process process;
    private readonly GrpcChannel channel;
    private readonly HttpClient http;

    private RealEtcd()
    {
        var (client, peer) = ($"http://127.0.0.1:{Ports.Free()}", $"http://127.0.0.1:{Ports.Free()}");
        var start = new ProcessStartInfo(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])
        [
            "--name=e1", $"--data-dir={folder}/data", "--logger=zap", "--log-level=error", $"--listen-client-urls={client}",
            $"--advertise-client-urls={client}", $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}",
            $"--initial-cluster=e1={peer}", "--heartbeat-interval=50", "--election-timeout=250",
        ]) start.ArgumentList.Add(argument);
        process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        channel = GrpcChannel.ForAddress(client);
        Connection = new EtcdConnection(
            EtcdOptions.Create(client).Value, TimeProvider.System, new Random(1), NullLogger.Instance);
        http = new HttpClient { BaseAddress = new Uri(client) };
    }

    public EtcdConnection Connection { get; }

    public static async Task<RealEtcd> StartAsync()
    {
        if (!File.Exists(Program))
        {
            if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{Program} is missing, and CI=true");
            Assert.Skip($"{Program} is missing: install etcd-server");
        }

        var etcd = new RealEtcd();
        await Eventually.IsAsync("etcd serves", etcd.IsHealthyAsync, TestContext.Current.CancellationToken);
        return etcd;
    }

    /// <summary>Waits until every watch has reached the current revision. etcd synchronizes watches of past revisions every 100 ms; the
    /// model does it at once.</summary>
    public Task WaitUntilWatchesAreSynchronizedAsync() => Eventually.IsAsync(
        "etcd has synchronized all watches",
        async () => (await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken))
            .Contains("\netcd_debugging_mvcc_slow_watcher_total 0\n", StringComparison.Ordinal),
        TestContext.Current.CancellationToken);

    /// <summary>Compacts physically: waits until the old revisions are deleted.</summary>
    public Task CompactAsync(long revision) => CallAsync("etcdserverpb.KV", "Compact", new(1, revision), new(2, 1));

    /// <summary>Raises or disarms the alarm NOSPACE.</summary>
    public Task NoSpaceAsync(bool full) => CallAsync("etcdserverpb.Maintenance", "Alarm", new(1, full ? 1 : 2), new(3, 1));

    public async ValueTask DisposeAsync()
    {
        Connection.Dispose();
        channel.Dispose();
        http.Dispose();
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<bool> IsHealthyAsync()
    {
        Assert.False(process.HasExited, "etcd ended");
        try
        {
            var health = await http.GetStringAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken);
            return health.Contains("\"true\"", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return false;
        }
    }

    /// <summary>Calls a method that the client does not have; the fields of its request are numbers.</summary>
    private async Task CallAsync(string service, string name, params RequestField[] fields)
    {
        var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            foreach (var (field, value) in fields)
            {
                output.WriteTag(field, WireFormat.WireType.Varint);
                output.WriteInt64(value);
            }
        }

        var raw = Marshallers.Create<byte[]>(request => request, response => response);
        var method = new Method<byte[], byte[]>(MethodType.Unary, service, name, raw, raw);
        var options = new CallOptions(cancellationToken: TestContext.Current.CancellationToken);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, options, bytes.ToArray());
        await call.ResponseAsync;
    }
}
