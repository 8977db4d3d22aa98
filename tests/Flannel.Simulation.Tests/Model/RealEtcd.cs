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

    private readonly string folder = Directory.CreateTempSubdirectory("flannel-sim-").FullName;
    private readonly Process process;
    private readonly GrpcChannel channel;

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
        Client = new Uri(client);
    }

    public EtcdConnection Connection { get; }

    private Uri Client { get; }

    public static async Task<RealEtcd> StartAsync()
    {
        if (!File.Exists(Program))
        {
            if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{Program} is missing, and CI=true");
            Assert.Skip($"{Program} is missing: install etcd-server");
        }

        var etcd = new RealEtcd();
        using var http = new HttpClient();
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                var health = await http.GetStringAsync(new Uri(etcd.Client, "/health"), TestContext.Current.CancellationToken);
                if (health.Contains("\"true\"", StringComparison.Ordinal)) return etcd;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            Assert.False(etcd.process.HasExited, "etcd ended");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), "etcd does not serve within 30 s");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Compacts physically: waits until the old revisions are deleted.</summary>
    public Task CompactAsync(long revision) => CallAsync("etcdserverpb.KV", "Compact", (1, revision), (2, 1));

    /// <summary>Raises or disarms the alarm NOSPACE.</summary>
    public Task NoSpaceAsync(bool full) => CallAsync("etcdserverpb.Maintenance", "Alarm", (1, full ? 1 : 2), (3, 1));

    public async ValueTask DisposeAsync()
    {
        Connection.Dispose();
        channel.Dispose();
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Calls a method that the client does not have; the fields of its request are numbers.</summary>
    private async Task CallAsync(string service, string name, params (int Field, long Value)[] fields)
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

        var raw = Marshallers.Create<byte[]>(request => request, answer => answer);
        var method = new Method<byte[], byte[]>(MethodType.Unary, service, name, raw, raw);
        var options = new CallOptions(cancellationToken: TestContext.Current.CancellationToken);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, options, bytes.ToArray());
        await call.ResponseAsync;
    }
}
