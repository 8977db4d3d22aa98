using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The base of tests with <c>--kube-subnet-mgr</c> on a real kube-apiserver. Each begins with a cluster without Nodes, Leases and
/// routes, and with the permissions of our manifest.</summary>
public abstract class KubernetesTest(KubeClusterPool pool) : IAsyncLifetime
{
    /// <summary>The condition of a node that uses its subnet.</summary>
    protected const string FlannelIsUp = "False FlannelIsUp";

    /// <summary>The shortest interval in which flanneld reads the route tables.</summary>
    protected static readonly string[] QuickResync = ["--route-resync=1"];

    protected const string NeverController = "--route-controller=never";

    /// <summary>For what begins with a retry after up to 30 s.</summary>
    protected static readonly TimeSpan LongLimit = TimeSpan.FromSeconds(90);

    private KubeCluster? cluster;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected KubeCluster Cluster => cluster!;

    protected KubeAdmin Admin => Cluster.Admin;

    protected VpcTopology Vpc => Cluster.Vpc;

    public async ValueTask InitializeAsync()
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.KubeApiServer();
        cluster = await pool.TakeAsync(Cancel);
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (cluster is null) return;
        DaemonLogs.WriteIfFailed(Vpc.Instances);
        await pool.ReturnAsync(Cluster);
    }

    /// <summary>The podCIDR of an instance in these tests.</summary>
    protected static string SubnetOf(int instance) => $"10.24.{instance + 1}.0/24";

    /// <summary>Creates the Node of the instance, starts flanneld on it and waits until it is ready.</summary>
    protected async Task<DaemonProcess> StartReadyAsync(int instance, params string[] arguments)
    {
        await Cluster.CreateNodeAsync(instance, Cancel, SubnetOf(instance));
        return await StartAgainAsync(instance, arguments);
    }

    /// <summary>Starts flanneld on an instance whose Node exists, and waits until it is ready.</summary>
    protected async Task<DaemonProcess> StartAgainAsync(int instance, params string[] arguments)
    {
        var daemon = await Vpc.Instances[instance].StartDaemonAsync(arguments);
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        return daemon;
    }

    protected Task<string?> AnnotationAsync(int instance, string name) =>
        Admin.AnnotationAsync(Cluster.NameOf(instance), KubeCluster.Prefix + name, Cancel);

    protected async Task<RouteEntry?> RouteAsync(string subnet) =>
        (await Vpc.Control.CustomRoutesAsync(Cancel)).SingleOrDefault(entry => entry.DestinationCidrBlock == subnet);

    protected Task<RouteEntry> WaitForRouteAsync(string subnet, int instance) => Eventually.HasAsync(
        $"{subnet} is routed to {Vpc.Instances[instance].InstanceId}",
        async () => await RouteAsync(subnet) is { Status: "Available" } entry && entry.NextHopId == Vpc.Instances[instance].InstanceId
            ? entry
            : null,
        Cancel, LongLimit, DescribeDaemons);

    protected Task WaitForNoRouteAsync(string subnet) => Eventually.IsAsync(
        $"the route of {subnet} is deleted", async () => await RouteAsync(subnet) is null, Cancel, LongLimit, DescribeDaemons);

    protected Task WaitForConditionAsync(int instance, string condition) => Eventually.IsAsync(
        $"{Cluster.NameOf(instance)} has NetworkUnavailable={condition}",
        async () => await Cluster.NetworkUnavailableAsync(instance, Cancel) == condition, Cancel, LongLimit, DescribeDaemons);

    protected Task<EcsInstance> WaitForControllerAsync(Func<EcsInstance, bool>? which = null, TimeSpan? limit = null) =>
        Eventually.HasAsync(
            "a route controller is elected",
            async () => await Cluster.ControllerAsync(Cancel) is { } instance && (which?.Invoke(instance) ?? true) ? instance : null,
            Cancel, limit ?? LongLimit, DescribeDaemons);

    /// <summary>The Node of an instance as its flanneld leaves it.</summary>
    protected KubeNode LeasedNode(int instance) => new(Cluster.NameOf(instance), SubnetOf(instance))
    {
        Annotations = Annotations("ali-vpc", BackendDataOf(instance), Vpc.Instances[instance].PublicIp),
    };

    /// <summary>What flanneld writes on its Node.</summary>
    protected static Dictionary<string, string> Annotations(string backend, string data, string publicIp) => new()
    {
        [$"{KubeCluster.Prefix}kube-subnet-manager"] = "true",
        [$"{KubeCluster.Prefix}backend-type"] = backend,
        [$"{KubeCluster.Prefix}backend-data"] = data,
        [$"{KubeCluster.Prefix}public-ip"] = publicIp,
    };

    /// <summary>The data of backend ali-vpc.</summary>
    protected string BackendDataOf(int instance) => Vpc.Instances[instance].AliVpcBackendData.ToJsonString();

    /// <summary>Deletes a route of a running node, and waits until it is created again: since then the controller has read the Nodes and
    /// the route table.</summary>
    protected async Task WaitForRepairAsync(int instance)
    {
        var before = await WaitForRouteAsync(SubnetOf(instance), instance);
        await Vpc.Control.DeleteRouteAsync(before.RouteEntryId, Cancel);
        await Eventually.IsAsync(
            $"the route of {SubnetOf(instance)} is created again",
            async () => await RouteAsync(SubnetOf(instance)) is { Status: "Available" } now && now.RouteEntryId != before.RouteEntryId,
            Cancel, LongLimit, DescribeDaemons);
    }

    protected static int CountInLog(DaemonProcess daemon, string text) => daemon.StandardError.Split(text).Length - 1;

    protected string DescribeDaemons() => string.Join('\n', Vpc.Instances.Where(instance => instance.Daemon is not null)
        .Select(instance => $"--- {instance.InstanceId}\n{instance.Daemon!.AllOutput}"));

    /// <summary>The calls that write routes, of all instances.</summary>
    protected async Task<IReadOnlyList<CloudCall>> WritesAsync() =>
    [
        .. (await Vpc.Control.ApiCallsAsync(Cancel)).Where(call =>
            call.Action is "CreateRouteEntry" or "CreateRouteEntries" or "DeleteRouteEntry" or "DeleteRouteEntries"
                or "ModifyRouteEntry" or "UpdateRouteEntry"),
    ];

    /// <summary>The instances that wrote routes, in order, without repetitions in a row: an instance that writes after its successor is
    /// there twice.</summary>
    protected async Task<IReadOnlyList<string>> WritersAsync()
    {
        var writers = new List<string>();
        foreach (var call in await WritesAsync())
        {
            if (writers.Count == 0 || writers[^1] != call.InstanceId) writers.Add(call.InstanceId!);
        }
        return writers;
    }
}
