using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Etcdserverpb;
using Flannel.Etcd.Connection;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Model;

/// <summary>A real etcd on loopback, with what the port does not offer: compaction and the alarm of a full disk.</summary>
internal sealed class RealEtcd : IAsyncDisposable
{
    private const string Program = "/usr/bin/etcd";

    private readonly string folder = Directory.CreateTempSubdirectory("flannel-sim-").FullName;
    private readonly Process process;
    private readonly GrpcChannel channel;

    private RealEtcd()
    {
        var (client, peer) = ($"http://127.0.0.1:{FreePort()}", $"http://127.0.0.1:{FreePort()}");
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
            EtcdOptions.Create(client, null, null, null, null, null, out _)!, TimeProvider.System, new Random(1), NullLogger.Instance);
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

    public async Task CompactAsync(long revision) =>
        await new KV.KVClient(channel).CompactAsync(
            new CompactionRequest { Revision = revision, Physical = true }, cancellationToken: TestContext.Current.CancellationToken);

    public async Task NoSpaceAsync(bool full)
    {
        var member = (await Connection.RangeAsync(new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("a") }, TestContext.Current.CancellationToken))
            .Header.MemberId;
        var request = new AlarmRequest
        {
            Action = full ? AlarmRequest.Types.AlarmAction.Activate : AlarmRequest.Types.AlarmAction.Deactivate,
            Alarm = AlarmType.Nospace,
            MemberID = member,
        };
        await new Maintenance.MaintenanceClient(channel).AlarmAsync(request, cancellationToken: TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Connection.Dispose();
        channel.Dispose();
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
