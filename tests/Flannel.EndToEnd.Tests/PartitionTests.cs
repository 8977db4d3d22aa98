using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>
/// A node that is isolated from etcd for less or longer than its lease time. The test creates the lease before the node starts, with a time
/// to live of seconds instead of a day; flanneld finds it by its address and renews it unchanged.
/// </summary>
public sealed class PartitionTests : IAsyncLifetime
{
    private const string Subnet = "10.24.5.0/24";
    private const string LeaseKey = $"{TestVpc.Prefix}/subnets/10.24.5.0-24";

    private ClusterVpc? vpc;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ClusterVpc Vpc => vpc!;

    /// <summary>The route controller; it is never isolated.</summary>
    private ClusterNode Controller => Vpc.Nodes[0];

    private ClusterNode Isolated => Vpc.Nodes[1];

    private ClusterNode Other => Vpc.Nodes[2];

    public async ValueTask InitializeAsync()
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        Require.Program(EtcdCluster.ControlProgram);
        vpc = await ClusterVpc.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(3) }, members: 1, Cancel);
        await Vpc.PublishConfigAsync(Cancel);
        // A new node prefers the subnet in its subnet.env: the controller does not take the one that the tests lease.
        await File.WriteAllTextAsync(Controller.Instance.SubnetFile, TestVpc.SubnetEnv("10.24.4.1/24"), Cancel);
        await Controller.StartReadyAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (vpc is null)
        {
            return;
        }
        DaemonLogs.WriteIfFailed(vpc.Nodes.Select(node => node.Instance));
        await vpc.DisposeAsync();
    }

    [Fact]
    public async Task A_node_isolated_for_less_than_its_lease_time_stays_ready_and_keeps_its_lease()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromMinutes(2));
        var before = await ClusterSnapshot.TakeAsync(Vpc, [Isolated], Cancel);
        await using var readiness = new ReadinessPoller([Isolated]);

        await Vpc.IsolateAsync(Isolated, Cancel);
        await Isolated.Daemon.WaitForLogAsync("etcd unavailable", Cancel, TimeSpan.FromSeconds(60));
        Assert.True(File.Exists(Isolated.Instance.SubnetFile));
        await Vpc.ReconnectAsync(Isolated, Cancel);
        await Isolated.Daemon.WaitForLogAsync("etcd available again", Cancel);

        Assert.Empty((await ClusterSnapshot.TakeAsync(Vpc, [Isolated], Cancel)).ChangesSince(before));
        Assert.Empty(readiness.NotReady);
        Assert.Equal(0, Isolated.CountInLog("expired"));
    }

    [Fact]
    public async Task A_node_isolated_for_longer_removes_subnet_env_and_takes_its_subnet_back_if_it_is_free()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromSeconds(8));
        var before = (await ClusterSnapshot.TakeAsync(Vpc, [Isolated], Cancel)).Nodes[0];

        await Vpc.IsolateAsync(Isolated, Cancel);
        await WaitForExpiryAsync();
        await Vpc.ReconnectAsync(Isolated, Cancel);

        await Eventually.IsAsync(
            "the node is ready again", async () => await Isolated.IsReadyAsync(Cancel), Cancel, TimeSpan.FromSeconds(60),
            () => Isolated.Daemon.AllOutput);
        var after = (await ClusterSnapshot.TakeAsync(Vpc, [Isolated], Cancel)).Nodes[0];
        Assert.Equal((before.ProcessId, before.Subnet, before.LeaseKey), (after.ProcessId, after.Subnet, after.LeaseKey));
        Assert.NotEqual(before.EtcdLeaseId, after.EtcdLeaseId);
        await Isolated.Daemon.WaitForLogAsync("was taken back", Cancel);
        Assert.Equal(1, Isolated.CountInLog("was taken back"));
    }

    [Fact]
    public async Task A_node_whose_subnet_was_leased_to_another_node_ends_and_gets_another_subnet_at_its_next_start()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromSeconds(8));

        await Vpc.IsolateAsync(Isolated, Cancel);
        await WaitForExpiryAsync();
        await File.WriteAllTextAsync(Other.Instance.SubnetFile, TestVpc.SubnetEnv("10.24.5.1/24"), Cancel);
        await Other.StartReadyAsync(Cancel);
        Assert.Equal(LeaseKey, (await Vpc.LeaseAsync(Other, Cancel))!.Key);
        await Vpc.ReconnectAsync(Isolated, Cancel);

        Assert.Equal(1, await Isolated.Daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Isolated.Instance.SubnetFile));
        Assert.Contains($"subnet {Subnet} is lost: {Other.Instance.InstanceId} ({Other.Instance.PublicIp}) has it now",
            Isolated.Daemon.StandardError, StringComparison.Ordinal);

        await Isolated.StartReadyAsync(Cancel);
        Assert.NotEqual(LeaseKey, (await Vpc.LeaseAsync(Isolated, Cancel))!.Key);
        Assert.Equal(LeaseKey, (await Vpc.LeaseAsync(Other, Cancel))!.Key);
        var routes = await Vpc.Control.CustomRoutesAsync(Cancel);
        Assert.Equal(Other.Instance.InstanceId, Assert.Single(routes, route => route.DestinationCidrBlock == Subnet).NextHopId);
    }

    private async Task StartWithLeaseOfAsync(TimeSpan timeToLive)
    {
        var lease = await Vpc.Etcd.GrantAsync(timeToLive, Cancel);
        await Vpc.Etcd.PutAsync(LeaseKey, TestVpc.UpstreamLease(Isolated.Instance.PublicIp), Cancel, lease);
        await Isolated.StartReadyAsync(Cancel);
        Assert.Equal(lease, (await Vpc.LeaseAsync(Isolated, Cancel))!.LeaseId);
    }

    /// <summary>Waits until the node has removed subnet.env because its lease may have expired, and etcd has deleted the lease.</summary>
    private async Task WaitForExpiryAsync()
    {
        await Isolated.Daemon.WaitForLogAsync("expired while etcd was unavailable", Cancel, TimeSpan.FromSeconds(60));
        await Eventually.IsAsync("subnet.env is removed", () => Task.FromResult(!File.Exists(Isolated.Instance.SubnetFile)), Cancel);
        Assert.False(await Isolated.IsReadyAsync(Cancel));
        Assert.Equal("0", await Isolated.MetricAsync("flannel_lease_held", Cancel));
        await Eventually.IsAsync("etcd has deleted the lease", async () => await Vpc.LeaseAsync(Isolated, Cancel) is null, Cancel);
    }
}
