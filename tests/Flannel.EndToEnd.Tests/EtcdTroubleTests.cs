using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What etcd itself can come to, with daemons on it: restored from a snapshot, full, slow.</summary>
public sealed class EtcdTroubleTests : IAsyncDisposable
{
    private ClusterVpc? vpc;
    private LoopbackVpc? loopback;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ClusterVpc Vpc => vpc!;

    public async ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            foreach (var instance in (vpc?.Nodes.Select(node => node.Instance) ?? []).Concat(loopback?.Instances ?? []).Where(instance => instance.Daemon is not null))
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"--- {instance.InstanceId}\n{instance.Daemon!.Everything}");
            }
        }
        foreach (var part in new IAsyncDisposable?[] { vpc, loopback })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task Restored_from_a_snapshot_every_node_keeps_its_subnet_even_one_that_the_snapshot_does_not_know()
    {
        await StartAsync(members: 3, nodes: 4);
        var (known, other, unknown, newcomer) = (Vpc.Nodes[0], Vpc.Nodes[1], Vpc.Nodes[2], Vpc.Nodes[3]);
        await known.StartReadyAsync(Cancel);
        await other.StartReadyAsync(Cancel);
        var snapshot = await Vpc.Etcd.SaveSnapshotAsync(Cancel);
        await unknown.StartReadyAsync(Cancel);
        for (var i = 0; i < 10; i++)
        {
            await Vpc.Etcd.PutAsync("/elsewhere", "revisions", Cancel);
        }
        var before = await ClusterCensus.TakeAsync(Vpc, [known, other, unknown], Cancel);

        await Vpc.Etcd.RestoreSnapshotAsync(snapshot, Cancel);
        await unknown.Daemon.WaitForLogAsync("is taken back", Cancel, TimeSpan.FromSeconds(60));
        await newcomer.StartReadyAsync(Cancel);
        await Eventually.IsAsync("all are ready", async () => await known.IsReadyAsync(Cancel) && await other.IsReadyAsync(Cancel) && await unknown.IsReadyAsync(Cancel), Cancel, TimeSpan.FromSeconds(60));
        var after = await ClusterCensus.TakeAsync(Vpc, [known, other, unknown, newcomer], Cancel);
        Assert.Equal(before.Nodes.Select(node => (node.ProcessId, node.Subnet)), after.Nodes.Take(3).Select(node => (node.ProcessId, node.Subnet)));
        Assert.Equal(before.Nodes.Take(2), after.Nodes.Take(2));

        // They watch the restored etcd: what happens there is seen.
        await Vpc.Etcd.DeleteAsync((await Vpc.LeaseAsync(other, Cancel))!.Key, Cancel);
        Assert.Equal(1, await other.Daemon.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task A_full_etcd_stops_no_node_not_even_one_that_restarts_and_a_new_one_waits_until_there_is_space()
    {
        await StartAsync(members: 1, nodes: 2, $"--quota-backend-bytes={4 << 20}");
        var (old, fresh) = (Vpc.Nodes[0], Vpc.Nodes[1]);
        await old.StartReadyAsync(Cancel);
        var before = await ClusterCensus.TakeAsync(Vpc, [old], Cancel);
        await Eventually.IsAsync("etcd is full", async () =>
            (await Vpc.Etcd.TryControlAsync(Cancel, "put", "/elsewhere", new string('x', 100_000))) is { ExitCode: not 0 } refused && refused.Error.Contains("space exceeded", StringComparison.Ordinal), Cancel);

        await fresh.Instance.StartDaemonAsync();
        await fresh.Daemon.WaitForLogAsync("NoSpace", Cancel);
        Assert.Equal(1, fresh.Said("NoSpace"));
        Assert.False(fresh.Daemon.IsReady);
        Assert.False(fresh.Daemon.HasExited);
        Assert.True(await old.IsReadyAsync(Cancel));
        Assert.Equal(0, await old.Daemon.StopAsync(Cancel));
        await old.StartReadyAsync(Cancel);
        Assert.Equal(before.Nodes[0] with { ProcessId = old.Daemon.Id }, (await ClusterCensus.TakeAsync(Vpc, [old], Cancel)).Nodes[0]);

        // As docs/failure-modes.md tells the operator.
        var revision = (await Vpc.Etcd.ListAsync("/elsewhere", Cancel))[0].ModRevision;
        await Vpc.Etcd.ControlAsync(Cancel, "compact", revision.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await Vpc.Etcd.ControlAsync(Cancel, "defrag");
        await Vpc.Etcd.ControlAsync(Cancel, "alarm", "disarm");
        await fresh.Daemon.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_slow_etcd_only_costs_time_and_one_too_slow_to_answer_is_waited_for_with_the_lease_in_hand()
    {
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        loopback = await LoopbackVpc.StartAsync(new World { Instances = World.MakeInstances(2) }, Cancel);
        await loopback.PublishConfigAsync(Cancel);
        await using var link = new SlowLink(loopback.Etcd.Endpoint) { Delay = TimeSpan.FromMilliseconds(400) };
        var through = $"--etcd-endpoints={link.Endpoint.GetLeftPart(UriPartial.Authority)}";

        // Every answer takes 0.8 s.
        var first = await loopback.Instances[0].StartDaemonAsync([through]);
        await first.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        Assert.DoesNotContain("does not answer", first.StandardError, StringComparison.Ordinal);
        var lease = Assert.Single(await loopback.LeasesAsync(Cancel));

        // Every answer takes 16 s: more than any request waits.
        link.Delay = TimeSpan.FromSeconds(8);
        var second = await loopback.Instances[1].StartDaemonAsync([through]);
        await second.WaitForLogAsync("etcd does not answer", Cancel, TimeSpan.FromSeconds(90));
        await first.WaitForLogAsync("etcd does not answer", Cancel, TimeSpan.FromSeconds(90));
        Assert.False(first.HasExited || second.HasExited || second.IsReady);
        Assert.True(File.Exists(loopback.Instances[0].SubnetFile));

        link.Delay = TimeSpan.Zero;
        await second.WaitForReadyAsync(Cancel, TimeSpan.FromSeconds(90));
        await first.WaitForLogAsync("etcd answers again", Cancel, TimeSpan.FromSeconds(90));
        Assert.Contains(await loopback.LeasesAsync(Cancel), still => still.Key == lease.Key && still.LeaseId == lease.LeaseId && still.CreateRevision == lease.CreateRevision);
        Assert.Equal(2, (await loopback.LeasesAsync(Cancel)).Count);
    }

    private async Task StartAsync(int members, int nodes, params string[] etcdArguments)
    {
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        Needs.Program("/usr/bin/etcdctl");
        vpc = await ClusterVpc.StartAsync(new World { Instances = World.MakeInstances(nodes) }, members, Cancel, etcdArguments);
        await Vpc.PublishConfigAsync(Cancel);
    }
}
