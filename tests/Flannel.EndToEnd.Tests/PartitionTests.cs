using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>
/// A node that is cut off from etcd, for less and for longer than its lease lives. The lease is made before the node starts, so that it
/// lives for seconds instead of a day: flanneld finds it by its address and keeps it alive as it is.
/// </summary>
public sealed class PartitionTests : IAsyncLifetime
{
    private const string Subnet = "10.24.5.0/24";
    private const string LeaseKey = $"{TestVpc.Prefix}/subnets/10.24.5.0-24";

    private ClusterVpc? vpc;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ClusterVpc Vpc => vpc!;

    /// <summary>Runs on, and is the route controller.</summary>
    private ClusterNode Stays => Vpc.Nodes[0];

    private ClusterNode Cut => Vpc.Nodes[1];

    private ClusterNode Other => Vpc.Nodes[2];

    public async ValueTask InitializeAsync()
    {
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        Needs.Program("/usr/bin/etcdctl");
        vpc = await ClusterVpc.StartAsync(new World { Instances = World.MakeInstances(3) }, members: 1, Cancel);
        await Vpc.PublishConfigAsync(Cancel);
        await Stays.StartReadyAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        if (vpc is null)
        {
            return;
        }
        foreach (var node in vpc.Nodes.Where(node => node.Instance.Daemon is not null && TestContext.Current.TestState?.Result == TestResult.Failed))
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"--- {node.Name}\n{node.Daemon.Everything}");
        }
        await vpc.DisposeAsync();
    }

    [Fact]
    public async Task Cut_off_for_less_than_its_lease_it_is_ready_all_the_time_and_keeps_the_very_lease()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromMinutes(2));
        var before = await ClusterCensus.TakeAsync(Vpc, [Cut], Cancel);
        await using var readiness = new ReadinessWatch([Cut]);

        await Vpc.CutOffAsync(Cut, Cancel);
        await Cut.Daemon.WaitForLogAsync("etcd does not answer", Cancel, TimeSpan.FromSeconds(60));
        Assert.True(File.Exists(Cut.Instance.SubnetFile));
        await Vpc.HealAsync(Cut, Cancel);
        await Cut.Daemon.WaitForLogAsync("etcd answers again", Cancel);

        Assert.Empty((await ClusterCensus.TakeAsync(Vpc, [Cut], Cancel)).LostSince(before));
        Assert.Empty(readiness.NotReady);
        Assert.Equal(0, Cut.Said("expired"));
    }

    [Fact]
    public async Task Cut_off_for_longer_it_gives_readiness_and_file_up_in_time_and_takes_the_subnet_back_if_it_is_free()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromSeconds(8));
        var before = (await ClusterCensus.TakeAsync(Vpc, [Cut], Cancel)).Nodes[0];

        await Vpc.CutOffAsync(Cut, Cancel);
        await ExpiredAsync();
        await Vpc.HealAsync(Cut, Cancel);

        await Eventually.IsAsync("it is ready again", async () => await Cut.IsReadyAsync(Cancel), Cancel, TimeSpan.FromSeconds(60), () => Cut.Daemon.Everything);
        var after = (await ClusterCensus.TakeAsync(Vpc, [Cut], Cancel)).Nodes[0];
        Assert.Equal((before.ProcessId, before.Subnet, before.LeaseKey), (after.ProcessId, after.Subnet, after.LeaseKey));
        Assert.NotEqual(before.EtcdLeaseId, after.EtcdLeaseId);
        Assert.Equal(1, Cut.Said("is taken back"));
    }

    [Fact]
    public async Task Cut_off_for_longer_and_its_subnet_leased_to_another_node_it_ends_and_its_next_start_takes_another()
    {
        await StartWithLeaseOfAsync(TimeSpan.FromSeconds(8));

        await Vpc.CutOffAsync(Cut, Cancel);
        await ExpiredAsync();
        // A node takes the subnet of its subnet.env, if that is free.
        await File.WriteAllTextAsync(Other.Instance.SubnetFile, "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n", Cancel);
        await Other.StartReadyAsync(Cancel);
        Assert.Equal(LeaseKey, (await Vpc.LeaseAsync(Other, Cancel))!.Key);
        await Vpc.HealAsync(Cut, Cancel);

        Assert.Equal(1, await Cut.Daemon.WaitForExitAsync(Cancel));
        Assert.False(File.Exists(Cut.Instance.SubnetFile));
        Assert.Contains($"subnet {Subnet} is lost: {Other.Instance.InstanceId} ({Other.Instance.PublicIp}) has it now", Cut.Daemon.StandardError, StringComparison.Ordinal);

        await Cut.StartReadyAsync(Cancel);
        Assert.NotEqual(LeaseKey, (await Vpc.LeaseAsync(Cut, Cancel))!.Key);
        Assert.Equal(LeaseKey, (await Vpc.LeaseAsync(Other, Cancel))!.Key);
        var routes = await Vpc.Control.CustomRoutesAsync(Cancel);
        Assert.Equal(Other.Instance.InstanceId, Assert.Single(routes, route => route.DestinationCidrBlock == Subnet).NextHopId);
    }

    private async Task StartWithLeaseOfAsync(TimeSpan time)
    {
        var lease = await Vpc.Etcd.GrantAsync(time, Cancel);
        await Vpc.Etcd.PutAsync(LeaseKey, $$"""{"PublicIP":"{{Cut.Instance.PublicIp}}","PublicIPv6":null,"BackendType":"ali-vpc"}""", Cancel, lease);
        await Cut.StartReadyAsync(Cancel);
        Assert.Equal(lease, (await Vpc.LeaseAsync(Cut, Cancel))!.LeaseId);
    }

    /// <summary>The node knows that its lease may be another's, and tells its host; etcd has ended it, too.</summary>
    private async Task ExpiredAsync()
    {
        await Cut.Daemon.WaitForLogAsync("has expired while etcd could not be asked", Cancel, TimeSpan.FromSeconds(60));
        await Eventually.IsAsync("subnet.env is gone", () => Task.FromResult(!File.Exists(Cut.Instance.SubnetFile)), Cancel);
        Assert.False(await Cut.IsReadyAsync(Cancel));
        Assert.Equal("0", await Cut.MetricAsync("flannel_lease_held", Cancel));
        await Eventually.IsAsync("etcd has ended the lease", async () => await Vpc.LeaseAsync(Cut, Cancel) is null, Cancel);
    }
}
