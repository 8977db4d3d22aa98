using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Failures of etcd under running daemons: a restore from a snapshot, a database out of space, a slow server.</summary>
public sealed class EtcdFailureTests : IAsyncDisposable
{
    private ClusterVpc? vpc;
    private LoopbackVpc? loopback;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ClusterVpc Vpc => vpc!;

    public async ValueTask DisposeAsync()
    {
        DaemonLogs.WriteIfFailed((vpc?.Nodes.Select(node => node.Instance) ?? []).Concat(loopback?.Instances ?? []));
        foreach (var part in new IAsyncDisposable?[] { vpc, loopback })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task After_a_restore_every_node_keeps_its_subnet_even_if_its_lease_is_newer_than_the_snapshot()
    {
        await StartAsync(members: 3, nodes: 4);
        var (first, second, afterSnapshot, newNode) = (Vpc.Nodes[0], Vpc.Nodes[1], Vpc.Nodes[2], Vpc.Nodes[3]);
        await first.StartReadyAsync(Cancel);
        await second.StartReadyAsync(Cancel);
        var snapshot = await Vpc.Etcd.SaveSnapshotAsync(Cancel);
        await afterSnapshot.StartReadyAsync(Cancel);
        for (var i = 0; i < 10; i++)
        {
            await Vpc.Etcd.PutAsync("/elsewhere", "revisions", Cancel);
        }
        var before = await ClusterSnapshot.TakeAsync(Vpc, [first, second, afterSnapshot], Cancel);

        await Vpc.Etcd.RestoreSnapshotAsync(snapshot, Cancel);
        await afterSnapshot.Daemon.WaitForLogAsync("was taken back", Cancel, TimeSpan.FromSeconds(60));
        await newNode.StartReadyAsync(Cancel);
        await Eventually.IsAsync(
            "all are ready",
            async () => await first.IsReadyAsync(Cancel) && await second.IsReadyAsync(Cancel)
                && await afterSnapshot.IsReadyAsync(Cancel), Cancel,
            TimeSpan.FromSeconds(60));
        var after = await ClusterSnapshot.TakeAsync(Vpc, [first, second, afterSnapshot, newNode], Cancel);
        Assert.Equal(
            before.Nodes.Select(node => (node.ProcessId, node.Subnet)),
            after.Nodes.Take(3).Select(node => (node.ProcessId, node.Subnet)));
        Assert.Equal(before.Nodes.Take(2), after.Nodes.Take(2));

        // The nodes watch the restored etcd.
        await Vpc.Etcd.DeleteAsync((await Vpc.LeaseAsync(second, Cancel))!.Key, Cancel);
        Assert.Equal(1, await second.Daemon.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task Without_space_in_etcd_existing_nodes_stay_ready_and_a_new_node_waits()
    {
        await StartAsync(members: 1, nodes: 2, $"--quota-backend-bytes={4 << 20}");
        var (existing, newNode) = (Vpc.Nodes[0], Vpc.Nodes[1]);
        await existing.StartReadyAsync(Cancel);
        var before = await ClusterSnapshot.TakeAsync(Vpc, [existing], Cancel);
        await Eventually.IsAsync("etcd has no space", async () =>
            (await Vpc.Etcd.TryControlAsync(Cancel, "put", "/elsewhere", new string('x', 100_000))) is { ExitCode: not 0 } refused
                && refused.Error.Contains("space exceeded", StringComparison.Ordinal), Cancel);

        await newNode.Instance.StartDaemonAsync();
        await newNode.Daemon.WaitForLogAsync("NoSpace", Cancel);
        Assert.Equal(1, newNode.CountInLog("NoSpace"));
        Assert.False(newNode.Daemon.IsReady);
        Assert.False(newNode.Daemon.HasExited);
        Assert.True(await existing.IsReadyAsync(Cancel));
        Assert.Equal(0, await existing.Daemon.StopAsync(Cancel));
        await existing.StartReadyAsync(Cancel);
        Assert.Equal(
            before.Nodes[0] with { ProcessId = existing.Daemon.Id }, (await ClusterSnapshot.TakeAsync(Vpc, [existing], Cancel)).Nodes[0]);

        // The steps for the operator in docs/failure-modes/etcd.md.
        var revision = (await Vpc.Etcd.ListAsync("/elsewhere", Cancel))[0].ModRevision;
        await Vpc.Etcd.ControlAsync(Cancel, "compact", revision.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await Vpc.Etcd.ControlAsync(Cancel, "defrag");
        await Vpc.Etcd.ControlAsync(Cancel, "alarm", "disarm");
        await newNode.Daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_slow_etcd_delays_nodes_and_timeouts_cost_no_lease()
    {
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        loopback = await LoopbackVpc.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(2) }, Cancel);
        await loopback.PublishConfigAsync(Cancel);
        await using var proxy = new DelayingProxy(loopback.Etcd.Endpoint) { Delay = TimeSpan.FromMilliseconds(400) };
        var through = $"--etcd-endpoints={proxy.Endpoint.GetLeftPart(UriPartial.Authority)}";

        // Every response takes 0.8 s.
        var first = await loopback.Instances[0].StartDaemonAsync([through]);
        await first.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        Assert.DoesNotContain("etcd unavailable", first.StandardError, StringComparison.Ordinal);
        var lease = Assert.Single(await loopback.LeasesAsync(Cancel));

        // Every response takes 16 s, longer than the timeout of any request.
        proxy.Delay = TimeSpan.FromSeconds(8);
        var second = await loopback.Instances[1].StartDaemonAsync([through]);
        await second.WaitForLogAsync("etcd unavailable", Cancel, TimeSpan.FromSeconds(90));
        await first.WaitForLogAsync("etcd unavailable", Cancel, TimeSpan.FromSeconds(90));
        Assert.False(first.HasExited || second.HasExited || second.IsReady);
        Assert.True(File.Exists(loopback.Instances[0].SubnetFile));

        proxy.Delay = TimeSpan.Zero;
        await second.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        await first.WaitForLogAsync("etcd available again", Cancel, TimeSpan.FromSeconds(90));
        Assert.Contains(
            await loopback.LeasesAsync(Cancel),
            kept => kept.Key == lease.Key && kept.LeaseId == lease.LeaseId && kept.CreateRevision == lease.CreateRevision);
        Assert.Equal(2, (await loopback.LeasesAsync(Cancel)).Count);
    }

    private async Task StartAsync(int members, int nodes, params string[] etcdArguments)
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        Require.Program(EtcdCluster.ControlProgram);
        vpc = await ClusterVpc.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(nodes) }, members, Cancel, etcdArguments);
        await Vpc.PublishConfigAsync(Cancel);
    }
}
