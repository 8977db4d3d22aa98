using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flanneld.Clients;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Clients;

/// <summary>A request that the API server rejects ends neither the daemon nor the other work of the route controller.</summary>
public sealed class KubeTermTests
{
    private readonly RecordingLogger logger = new();
    private readonly ModelKubeApi api = new(new KubeServerModel(TimeProvider.System));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private KubeControllerStore NewStore()
    {
        var annotations = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;
        var kube = new KubeContext(api, annotations, TimeProvider.System, new Random(1), logger);
        var netConf = new NetConfFile("/nonexistent", TimeProvider.System);
        return new KubeControllerStore(new KubeControllerContext(kube, "kube-flannel"), "n1", netConf, logger);
    }

    [Fact]
    public async Task A_rejected_request_is_reported_once_for_each_verb_and_the_route_controller_continues()
    {
        var election = NewStore().CreateElection(new ControllerHolder("i-1", "192.168.0.1"), () => null);
        await using var term = await election.CampaignAsync(Cancel);
        var id = await term.ReadClusterIdAsync(Cancel);
        AccessReview[] denied =
        [
            new("list", "", "nodes"), new("get", "", "nodes"), new("get", ModelAccount.LeaseGroup, "leases"),
        ];
        foreach (var access in denied) api.Account.Deny(access);

        for (var i = 0; i < 3; i++)
        {
            Assert.Null(await term.Statuses.ReadStatusesAsync(Cancel));
            Assert.Null(await term.ReadAbsentLeasesAsync(Cancel));
            Assert.True(await term.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
            Assert.True(await term.Statuses.PublishVSwitchesAsync("vpc-1", [Ipv4Network.Parse("192.168.0.0/24")], Cancel));
            Assert.True(await term.Statuses.DeleteAsync(["10.24.6.0-24"], Cancel));
            var lease = new Lease(
                new SubnetKey(Ipv4Network.Parse("10.24.5.0/24")), new LeaseAttributes(default, null, "ali-vpc", null, null),
                new KubeLeaseIdentity("n1", "uid", default), 1);
            var status = new RouteStatus("10.24.5.0/24", "i-1", [], RouteState.Available, "", "", default);
            var published = await term.Statuses.PublishAsync([new(lease, status)], Cancel);
            Assert.True(published.IsTermHeld);
            Assert.Equal(["10.24.5.0-24"], published.Rejected);
        }

        Assert.Equal(denied.Length, logger.Lines.Count(line => line.EventId == 6200));
        foreach (var access in denied) api.Account.Allow(access);
        Assert.Equal(id, await term.ReadClusterIdAsync(Cancel));
        Assert.False(term.Lost.IsCancellationRequested);
    }
}
