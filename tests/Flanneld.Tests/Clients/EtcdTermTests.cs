using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flanneld.Clients;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Clients;

/// <summary>A request that etcd rejects ends neither the daemon nor the other work of the route controller.</summary>
public sealed class EtcdTermTests
{
    private readonly RejectingEtcd etcd = new(new ModelEtcd(TimeProvider.System));
    private readonly RecordingLogger logger = new();
    private readonly EtcdKeys keys = EtcdKeys.Parse("/coreos.com/network").Value;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(EtcdErrorKind.PermissionDenied)]
    [InlineData(EtcdErrorKind.Unauthenticated)]
    [InlineData(EtcdErrorKind.NoSpace)]
    public async Task A_rejected_request_is_reported_once_and_the_route_controller_continues(EtcdErrorKind kind)
    {
        var context = new EtcdContext(etcd, keys, TimeProvider.System, new Random(1), logger);
        var election = new EtcdElection(context, new ControllerHolder("i-1", "192.168.0.1"), () => null);
        await using var held = await election.CampaignAsync(Cancel);
        var term = new StoreRouteControllerTerm(
            held, new EtcdRequestRetry(keys, TimeProvider.System, new Random(1), logger), TimeProvider.System, logger);
        var id = await term.ReadClusterIdAsync(Cancel);
        etcd.Rejection = new EtcdException(kind, "http://h:2379: etcdserver: rejected", mayHaveHappened: false);

        Assert.Null(await term.Statuses.ReadStatusesAsync(Cancel));
        Assert.Null(await term.ReadAbsentLeasesAsync(Cancel));
        Assert.True(await term.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        Assert.True(await term.Statuses.PublishVSwitchesAsync("vpc-1", [Ipv4Network.Parse("192.168.0.0/24")], Cancel));
        Assert.True(await term.Statuses.DeleteAsync(["10.24.6.0-24"], Cancel));
        var lease = new Lease(new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")),
            new LeaseAttributes(default, null, "ali-vpc", null, null), new EtcdLeaseIdentity(1, 1), 1);
        var status = new RouteStatus("10.24.5.0/24", "i-1", [], RouteState.Available, "", "", default);
        var published = await term.Statuses.PublishAsync([new(lease, status)], Cancel);
        Assert.True(published.IsTermHeld);
        Assert.Equal(["10.24.5.0-24"], published.Rejected);
        var line = Assert.Single(logger.Lines, line => line.EventId == 1142);
        Assert.Equal(
            kind == EtcdErrorKind.PermissionDenied,
            line.Text.Contains("grant the etcd user readwrite on the prefix /coreos.com/network/ali-vpc/", StringComparison.Ordinal));

        etcd.Rejection = null;
        Assert.Equal(id, await term.ReadClusterIdAsync(Cancel));
        Assert.False(held.Lost.IsCancellationRequested);
    }
}
