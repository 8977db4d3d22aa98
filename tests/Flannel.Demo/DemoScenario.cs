using System.Diagnostics;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.Demo;

/// <summary>The steps of the demo; each step checks its results.</summary>
internal sealed class DemoScenario(DemoOutput output, IDemoStore store) : IAsyncDisposable
{
    // In Kubernetes, a node that is not the standby reads the Lease every 30 s, and it lives for 15 s.
    private static readonly TimeSpan LongestElection = TimeSpan.FromSeconds(60);

    private const int Nodes = 3;

    /// <summary>A short interval, so that the demo shows a repair quickly; the default is 60 s.</summary>
    private static readonly string[] arguments = ["--route-resync=1"];

    private readonly Dictionary<EcsInstance, Container> containers = [];
    private readonly TestVpc vpc = store.Vpc;
    private readonly ClusterTables tables = new(output, store.Vpc);

    public static void Introduce(DemoOutput output, bool isKubernetes, string? noDataPath)
    {
        output.WriteLine(isKubernetes
            ? "flanneld for Alibaba Cloud VPC: the podCIDR of each node is its subnet; the VPC's route table carries the traffic."
            : "flanneld for Alibaba Cloud VPC: each node leases a subnet from etcd; the VPC's route table carries the traffic.");
        var server = isKubernetes ? "kube-apiserver" : "etcd";
        output.WriteLine(noDataPath is null
            ? $"Runs on this machine: the native flanneld and a real {server} in a simulated VPC, in network namespaces."
            : $"No data path in this run ({noDataPath}): runs on the loopback of this machine, without containers and pings.");
    }

    public static async Task<IDemoStore> BuildAsync(DemoOutput output, bool isKubernetes, string? noDataPath, CancellationToken cancel)
    {
        if (isKubernetes && noDataPath is not null) throw new TestbedException($"--kubernetes needs network namespaces: {noDataPath}");
        IDemoStore? store = null;
        var setup = new CloudSetup { Instances = CloudSetup.MakeInstances(Nodes), RouteWriteMilliseconds = 500 };
        var server = isKubernetes ? "kube-apiserver" : "etcd";
        var title = $"Start a VPC, {CloudSetup.VpcCidr}: router, metadata service, VPC and ECS API, {server}, {Nodes} ECS instances";
        await output.StepAsync(title, async () =>
        {
            store = isKubernetes ? new KubernetesStore(await KubeCluster.StartAsync(setup, cancel))
                : new EtcdStore(await StartVpcAsync(setup, noDataPath, cancel));
            output.Table(["INSTANCE", "ADDRESS", "NETWORK INTERFACE", "VSWITCH"], store.Vpc.Instances.Select(instance => new[]
            {
                instance.InstanceId, instance.PublicIp, instance.Facts.NetworkInterfaceId, instance.Facts.VSwitchId,
            }));
            output.Note("The source/destination check of every interface is on. A route write takes 500 ms.");
        });
        return store!;
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        await output.StepAsync(store.ConfigureTitle, () => store.ConfigureAsync(output, cancel));
        await output.StepAsync("Start flanneld on each instance, as an ordinary user without capabilities", () => StartAsync(cancel));
        await output.StepAsync("Show leases, routes and subnet.env", () => ShowAsync(cancel));
        if (vpc.NoDataPath is null)
        {
            await output.StepAsync("Start a container on each instance with the values of its subnet.env", () => PingAsync(cancel));
        }
        await output.StepAsync("Delete a route, as an operator does at the console", () => RepairAsync(vpc.Instances, cancel));
        await output.StepAsync("Power off the node of the route controller", () => TakeOverAsync(cancel));
    }

    /// <summary>Stops all daemons, as systemd does.</summary>
    public async Task StopDaemonsAsync()
    {
        await output.StepAsync("Stop every flanneld with SIGTERM, as systemctl stop does", async () =>
        {
            var before = await store.SubnetsAsync(CancellationToken.None);
            foreach (var instance in vpc.Instances)
            {
                var code = await instance.Daemon!.StopAsync(CancellationToken.None);
                Verify.That(code == 0, $"flanneld on {instance.InstanceId} exits with 0 after SIGTERM; it exited with {code}");
            }
            var after = await store.SubnetsAsync(CancellationToken.None);
            Verify.That(after.Count == before.Count, "a node that stops keeps its lease");
            output.Note($"All exited with 0. {store.AfterStop} for the next start.");
        });
        output.WriteLine();
        output.WriteLine("All checks passed.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var container in containers.Values)
        {
            await container.DisposeAsync();
        }
    }

    private static async Task<TestVpc> StartVpcAsync(CloudSetup setup, string? noDataPath, CancellationToken cancel) =>
        noDataPath is null ? await VpcTopology.StartAsync(setup, cancel) : await LoopbackVpc.StartAsync(setup, cancel, noDataPath);

    private async Task StartAsync(CancellationToken cancel)
    {
        output.Note($"flanneld {string.Join(' ', [.. vpc.Instances[0].Arguments, .. arguments])}");
        foreach (var instance in vpc.Instances)
        {
            await instance.StartDaemonAsync(arguments);
        }
        foreach (var instance in vpc.Instances)
        {
            var time = await instance.Daemon!.WaitForReadyAsync(cancel);
            output.Note($"{instance.InstanceId}: READY=1 after {DemoOutput.Seconds(time)}   {instance.Daemon.Notify.Status}");
        }
    }

    private async Task ShowAsync(CancellationToken cancel)
    {
        await store.WriteLeasesAsync(output, cancel);
        await tables.RouteTableAsync(cancel);
        await tables.SubnetFilesAsync(cancel);

        var subnets = await store.SubnetsAsync(cancel);
        var routes = await vpc.Control.CustomRoutesAsync(cancel);
        Verify.That(subnets.Values.Distinct().Count() == Nodes, "each node has its own subnet");
        foreach (var instance in vpc.Instances)
        {
            Verify.That(subnets.TryGetValue(instance.PublicIp, out var subnet), $"{instance.InstanceId} has a lease");
            var isRouted = routes.Any(entry =>
                entry.DestinationCidrBlock == subnet && entry.NextHopId == instance.InstanceId && entry.Status == "Available");
            Verify.That(isRouted, $"the route table routes {subnet} to {instance.InstanceId}");
            var file = await instance.ReadSubnetFileAsync(cancel);
            Verify.That(
                file?["FLANNEL_SUBNET"] == subnet!.Replace(".0/", ".1/", StringComparison.Ordinal),
                $"subnet.env on {instance.InstanceId} contains the first address of {subnet}");
        }
    }

    private async Task PingAsync(CancellationToken cancel)
    {
        foreach (var instance in vpc.Instances)
        {
            containers.Add(instance, await Container.StartAsync(instance, cancel));
        }
        await tables.PingsAsync([.. containers.Values], cancel);
    }

    private async Task RepairAsync(IReadOnlyList<EcsInstance> running, CancellationToken cancel)
    {
        var target = running[^1];
        var subnet = (await store.SubnetsAsync(cancel))[target.PublicIp];
        var route = (await vpc.Control.CustomRoutesAsync(cancel)).Single(entry => entry.DestinationCidrBlock == subnet);
        var started = Stopwatch.GetTimestamp();
        await vpc.Control.DeleteRouteAsync(route.RouteEntryId, cancel);
        output.Note($"{subnet} -> {target.InstanceId}, {route.RouteEntryId}: deleted");
        await VerifyNoTrafficAsync(running, target, subnet, cancel);
        var created = await Eventually.HasAsync($"the route of {subnet} is created again", async () =>
            (await vpc.Control.CustomRoutesAsync(cancel)).SingleOrDefault(entry =>
                entry.DestinationCidrBlock == subnet && entry.NextHopId == target.InstanceId && entry.Status == "Available"
                    && entry.RouteEntryId != route.RouteEntryId), cancel);
        var after = DemoOutput.Seconds(Stopwatch.GetElapsedTime(started));
        output.Note($"{subnet} -> {target.InstanceId}, {created.RouteEntryId}: created again after {after}");
        await PingAgainAsync(running, cancel);
    }

    /// <summary>Checks that a ping fails while the route is missing. The check is skipped if the repair is faster than the ping.</summary>
    private async Task VerifyNoTrafficAsync(IReadOnlyList<EcsInstance> running, EcsInstance target, string subnet, CancellationToken cancel)
    {
        if (vpc is not VpcTopology topology)
        {
            return;
        }
        var version = (await vpc.Control.WatchRoutesAsync(0, cancel)).Version;
        await Eventually.IsAsync(
            "the router has applied the route table", () => Task.FromResult(topology.Router.Version >= version), cancel);
        var (from, to) = (containers[running[0]], containers[target]);
        var ping = await from.PingAsync(to.Address, cancel);
        if ((await vpc.Control.CustomRoutesAsync(cancel)).All(entry => entry.DestinationCidrBlock != subnet))
        {
            Verify.That(ping.Received == 0, $"no packet reaches {to.Address} without a route");
            output.Note($"{from.Address} pings {to.Address}: no reply, the VPC has no route");
        }
    }

    private async Task TakeOverAsync(CancellationToken cancel)
    {
        var old = await Eventually.HasAsync("a route controller is elected", () => store.ControllerAsync(cancel), cancel);
        var subnet = (await store.SubnetsAsync(cancel))[old.PublicIp];
        var started = Stopwatch.GetTimestamp();
        await old.PowerOffAsync(cancel);
        output.Note($"{old.InstanceId} was the route controller and is powered off.");
        var successor = await Eventually.HasAsync(
            "another node is elected", async () => await store.ControllerAsync(cancel) is { } now && now != old ? now : null, cancel,
            LongestElection);
        var after = DemoOutput.Seconds(Stopwatch.GetElapsedTime(started));
        output.Note($"{successor.InstanceId} is the route controller after {after}. Traffic of the other nodes continues:");
        EcsInstance[] running = [.. vpc.Instances.Where(instance => instance != old)];
        await PingAgainAsync(running, cancel);
        output.Note("The new route controller repairs a deleted route:");
        await RepairAsync(running, cancel);

        await old.PowerOnAsync(cancel);
        var daemon = await old.StartDaemonAsync(arguments);
        var time = await daemon.WaitForReadyAsync(cancel);
        Verify.That((await store.SubnetsAsync(cancel))[old.PublicIp] == subnet, $"{old.InstanceId} keeps its lease {subnet}");
        output.Note($"{old.InstanceId} is powered on: READY=1 after {DemoOutput.Seconds(time)} with the same subnet {subnet}");
        await PingAgainAsync(vpc.Instances, cancel);
    }

    private async Task PingAgainAsync(IReadOnlyList<EcsInstance> running, CancellationToken cancel)
    {
        if (vpc.NoDataPath is not null)
        {
            return;
        }
        Container[] reachable = [.. running.Select(instance => containers[instance])];
        // The router applies a change of the route table with a short delay.
        await reachable[0].WaitForPingAsync(reachable[^1].Address, cancel);
        await tables.PingsAsync(reachable, cancel);
    }
}
