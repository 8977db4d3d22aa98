using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Election;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Controller;

/// <summary>An elected route controller over a model of an API server with nodes.</summary>
public sealed class TermFixture
{
    private TermFixture(VirtualTime virtualTime, ElectionFixture cluster, Candidate elected) =>
        (VirtualTime, Cluster, Elected) = (virtualTime, cluster, elected);

    public VirtualTime VirtualTime { get; }

    public ElectionFixture Cluster { get; }

    public Candidate Elected { get; }

    public KubeServerModel Server => Cluster.Server;

    public KubeTerm Term => Elected.Term!;

    public RecordingLogger Logger => Elected.Logger;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static void Run(Func<TermFixture, Task> test, Func<KubeControllerContext, KubeControllerContext>? change = null) =>
        VirtualTime.Run(async virtualTime =>
        {
            var cluster = new ElectionFixture(virtualTime);
            var elected = cluster.Add(1, change).Start();
            await cluster.UntilElectedAsync(elected);
            await test(new TermFixture(virtualTime, cluster, elected));
        });

    /// <summary>A node that flannel uses, with the instance <c>i-NAME</c>.</summary>
    public Lease AddNode(string name, string podCidr) => LeaseOf(Annotate(Server.CreateNode(name, podCidr)));

    /// <summary>The same with <c>Fallback</c>.</summary>
    public Lease AddNodeWithTunnel(string name, string podCidr) =>
        LeaseOf(Annotate(Server.CreateNode(name, podCidr), ",\"VNI\":1,\"VtepMAC\":\"0e:00:00:00:00:01\""));

    public Lease LeaseOf(KubeNode node) =>
        Assert.IsType<NodeLease.Leased>(Elected.Context.Kube.Leases.Read(node)).Lease;

    /// <summary>What flanneld writes on its Node.</summary>
    /// <param name="tunnel">Further fields of the backend data, after a comma.</param>
    public KubeNode Annotate(KubeNode node, string tunnel = "")
    {
        var attributes = new LeaseAttributes(
            Ipv4Address.Parse("192.168.0.5"), null, "ali-vpc", $$"""{"VpcId":"vpc-1","InstanceId":"i-{{node.Name}}"{{tunnel}}}""", null);
        var written = Elected.Context.Kube.Annotations.Differences(node, attributes);
        return Server.PatchNodeStatus(node.Name, new NodeStatusPatch { Annotations = written });
    }

    public static RouteStatus StatusOf(Lease lease, RouteState state, string message = "") => new(
        lease.Subnet.ToString(), LeaseInstance.Read(lease.Attributes)!.Id, ["vtb-1"], state, message, "",
        new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero));

    public Task<StatusPublishResult> PublishAsync(Lease lease, RouteState state, string message = "") =>
        Term.Statuses.PublishAsync([new RouteStatusUpdate(lease, StatusOf(lease, state, message))], Cancel);

    public RouteStatus? PublishedOn(string node) => KubeRouteStatus.Read(Server.GetNode(node), Elected.Context.Kube.Annotations)?.Status;
}
