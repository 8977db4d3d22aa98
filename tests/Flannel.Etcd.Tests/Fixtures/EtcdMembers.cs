using System.Diagnostics;
using Etcdserverpb;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A cluster of three real members.</summary>
public sealed class EtcdMembers : IAsyncDisposable
{
    private const int Count = 3;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-etcd-members-");
    private readonly List<Process> members = [];
    private readonly List<EtcdConnection> connections = [];

    private EtcdMembers() => Endpoints = [.. Enumerable.Range(0, Count).Select(_ => $"http://127.0.0.1:{Ports.Free()}")];

    public IReadOnlyList<string> Endpoints { get; }

    public static async Task<EtcdMembers> StartAsync()
    {
        EtcdProgram.Require();
        var cluster = new EtcdMembers();
        var peers = Enumerable.Range(0, Count).Select(_ => $"http://127.0.0.1:{Ports.Free()}").ToList();
        for (var i = 0; i < Count; i++) cluster.members.Add(cluster.Start(i, peers));
        using var connection = cluster.New();
        await connection.UntilReadAsync("the members have a leader", new RangeRequest { Key = ByteString.CopyFromUtf8("/x") });
        return cluster;
    }

    /// <summary>Begins with the first member.</summary>
    public EtcdConnection Connect()
    {
        var connection = New();
        connections.Add(connection);
        return connection;
    }

    public Task SignalAsync(int member, string signal) => EtcdProgram.SignalAsync(members[member], signal);

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) connection.Dispose();
        foreach (var member in members) await EtcdProgram.EndAsync(member);
        folder.Delete(recursive: true);
    }

    private EtcdConnection New()
    {
        var options = EtcdOptions.Create(string.Join(',', Endpoints)).Value;
        return new EtcdConnection(options, TimeProvider.System, new EtcdProcess.FirstEndpoint(), NullLogger.Instance);
    }

    private Process Start(int index, List<string> peers) => EtcdProgram.Start(
        $"--name=e{index}", $"--data-dir={folder.FullName}/e{index}", "--logger=zap", "--log-level=error",
        $"--listen-client-urls={Endpoints[index]}", $"--advertise-client-urls={Endpoints[index]}",
        $"--listen-peer-urls={peers[index]}", $"--initial-advertise-peer-urls={peers[index]}",
        $"--initial-cluster={string.Join(',', peers.Select((peer, i) => $"e{i}={peer}"))}");
}
