using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>The main job from end to end, told to a newcomer and checked sentence by sentence.</summary>
internal sealed class DemoScenario(DemoOutput output, TestVpc vpc) : IAsyncDisposable
{
    private const int Nodes = 3;

    /// <summary>So that a repair is seen within a demo's patience; a real cluster looks less often.</summary>
    private static readonly string[] arguments = ["--route-resync=1"];

    private readonly List<(EcsInstance Instance, Container Container)> containers = [];
    private readonly ClusterTables tables = new(output, vpc);

    public static void Introduce(DemoOutput output, string? noDataPath)
    {
        output.WriteLine("flanneld for Alibaba Cloud VPC: every node gets a subnet from etcd, and the VPC's own route table carries the traffic.");
        output.WriteLine(noDataPath is null
            ? "All of it on this machine: the native flanneld and a real etcd on a simulated VPC, in network namespaces of their own."
            : $"There is no data path in this run ({noDataPath}): the same scenario on the loopback of this machine, without containers and pings.");
    }

    public static async Task<TestVpc> BuildAsync(DemoOutput output, string? noDataPath, CancellationToken cancel)
    {
        TestVpc? vpc = null;
        var world = new World { Instances = World.MakeInstances(Nodes), RouteWriteMilliseconds = 500 };
        await output.StepAsync($"A VPC, {World.VpcCidr}: its router, the metadata service, the VPC and ECS API, etcd, {Nodes} ECS instances", async () =>
        {
            vpc = noDataPath is null
                ? await VpcTopology.StartAsync(world, cancel)
                : await LoopbackVpc.StartAsync(world, cancel, noDataPath);
            output.Table(["INSTANCE", "ADDRESS", "NETWORK INTERFACE", "VSWITCH"], vpc.Instances
                .Select(instance => new[] { instance.InstanceId, instance.PublicIp, instance.Facts.NetworkInterfaceId, instance.Facts.VSwitchId }));
            output.Note("The cloud drops foreign addresses on every interface (source/destination check), and needs half a second for a route write.");
        });
        return vpc!;
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        await output.StepAsync("The network config, written to etcd by hand", () => PublishAsync(cancel));
        await output.StepAsync("flanneld on each instance, as an ordinary user with no capability", () => StartAsync(cancel));
        await output.StepAsync("What came of it", () => ShowAsync(cancel));
        if (vpc.NoDataPath is null)
        {
            await output.StepAsync("A container on each instance, wired by its subnet.env", () => PingAsync(cancel));
        }
        await output.StepAsync("Somebody deletes a route at the console", () => RepairAsync(vpc.Instances, cancel));
        await output.StepAsync("The controller's node loses its power", () => TakeOverAsync(cancel));
    }

    /// <summary>Everybody is told to stop, as systemd would.</summary>
    public async Task StopDaemonsAsync()
    {
        await output.StepAsync("SIGTERM to every flanneld, as systemctl stop sends it", async () =>
        {
            var before = await tables.SubnetsAsync(CancellationToken.None);
            foreach (var instance in vpc.Instances)
            {
                var code = await instance.Daemon!.StopAsync(CancellationToken.None);
                Verify.That(code == 0, $"flanneld on {instance.InstanceId} ends with exit code 0 when it is told to stop; it was {code}");
            }
            var after = await tables.SubnetsAsync(CancellationToken.None);
            Verify.That(after.Count == before.Count, "a node that stops keeps its lease");
            output.Note("All ended with exit code 0, and their leases stay in etcd: the next start finds them again.");
        });
        output.WriteLine();
        output.WriteLine("All as promised.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, container) in containers)
        {
            await container.DisposeAsync();
        }
    }

    private async Task PublishAsync(CancellationToken cancel)
    {
        output.Note($"etcdctl put {TestVpc.Prefix}/config '{TestVpc.Config}'");
        await vpc.Etcd.ControlAsync(cancel, "put", $"{TestVpc.Prefix}/config", TestVpc.Config);
    }

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
        await tables.LeasesAsync(cancel);
        await tables.RouteTableAsync(cancel);
        await tables.SubnetFilesAsync(cancel);

        var subnets = await tables.SubnetsAsync(cancel);
        var routes = await vpc.Control.CustomRoutesAsync(cancel);
        Verify.That(subnets.Values.Distinct().Count() == Nodes, "each node has a subnet of its own");
        foreach (var instance in vpc.Instances)
        {
            Verify.That(subnets.TryGetValue(instance.PublicIp, out var subnet), $"{instance.InstanceId} has a lease");
            Verify.That(routes.Any(entry => entry.DestinationCidrBlock == subnet && entry.NextHopId == instance.InstanceId && entry.Status == "Available"), $"the route table sends {subnet} to {instance.InstanceId}");
            var file = await instance.ReadSubnetFileAsync(cancel);
            Verify.That(file?["FLANNEL_SUBNET"] == subnet!.Replace(".0/", ".1/", StringComparison.Ordinal), $"subnet.env on {instance.InstanceId} names the first address of {subnet}");
        }
    }

    private async Task PingAsync(CancellationToken cancel)
    {
        foreach (var instance in vpc.Instances)
        {
            containers.Add((instance, await Container.StartAsync(instance, cancel)));
        }
        await tables.PingsAsync(containers, cancel);
    }

    private async Task RepairAsync(IReadOnlyList<EcsInstance> living, CancellationToken cancel)
    {
        var victim = living[^1];
        var subnet = (await tables.SubnetsAsync(cancel))[victim.PublicIp];
        var route = (await vpc.Control.CustomRoutesAsync(cancel)).Single(entry => entry.DestinationCidrBlock == subnet);
        var started = Stopwatch.GetTimestamp();
        await vpc.Control.DeleteRouteAsync(route.RouteEntryId, cancel);
        output.Note($"{subnet} -> {victim.InstanceId}, {route.RouteEntryId}: deleted behind the controller's back");
        await SilenceAsync(living, victim, subnet, cancel);
        var back = await Eventually.HasAsync($"the route of {subnet} comes back", async () => (await vpc.Control.CustomRoutesAsync(cancel))
            .SingleOrDefault(entry => entry.DestinationCidrBlock == subnet && entry.NextHopId == victim.InstanceId && entry.Status == "Available" && entry.RouteEntryId != route.RouteEntryId), cancel);
        output.Note($"{subnet} -> {victim.InstanceId}, {back.RouteEntryId}: back after {DemoOutput.Seconds(Stopwatch.GetElapsedTime(started))}");
        await PingAgainAsync(living, cancel);
    }

    /// <summary>While the route is missing nothing may come through: the table is what forwards. A repair may be quicker than a ping.</summary>
    private async Task SilenceAsync(IReadOnlyList<EcsInstance> living, EcsInstance victim, string subnet, CancellationToken cancel)
    {
        if (vpc is not VpcTopology topology)
        {
            return;
        }
        var version = (await vpc.Control.WatchRoutesAsync(0, cancel)).Version;
        await Eventually.IsAsync("the router follows the table", () => Task.FromResult(topology.Router.Version >= version), cancel);
        var from = containers.First(entry => living.Contains(entry.Instance)).Container;
        var to = containers.Single(entry => entry.Instance == victim).Container;
        var ping = await from.PingAsync(to.Address, cancel);
        if ((await vpc.Control.CustomRoutesAsync(cancel)).All(entry => entry.DestinationCidrBlock != subnet))
        {
            Verify.That(ping.Received == 0, $"nothing reaches {to.Address} without a route");
            output.Note($"{from.Address} pings {to.Address}: no answer, the VPC has no route");
        }
    }

    private async Task TakeOverAsync(CancellationToken cancel)
    {
        var old = await Eventually.HasAsync("a node holds the election", () => vpc.ControllerAsync(cancel), cancel);
        var subnet = (await tables.SubnetsAsync(cancel))[old.PublicIp];
        var started = Stopwatch.GetTimestamp();
        await old.PowerOffAsync(cancel);
        output.Note($"{old.InstanceId} was the controller. Its power is off.");
        var successor = await Eventually.HasAsync("another node takes over", async () => await vpc.ControllerAsync(cancel) is { } now && now != old ? now : null, cancel);
        output.Note($"{successor.InstanceId} is the controller after {DemoOutput.Seconds(Stopwatch.GetElapsedTime(started))}. Meanwhile nothing changed for the others:");
        EcsInstance[] living = [.. vpc.Instances.Where(instance => instance != old)];
        await PingAgainAsync(living, cancel);
        output.Note("And the new one does its work; a route is deleted again:");
        await RepairAsync(living, cancel);

        await old.PowerOnAsync(cancel);
        var daemon = await old.StartDaemonAsync(arguments);
        var time = await daemon.WaitForReadyAsync(cancel);
        Verify.That((await tables.SubnetsAsync(cancel))[old.PublicIp] == subnet, $"{old.InstanceId} finds its lease {subnet} again");
        output.Note($"{old.InstanceId} has power again: READY=1 after {DemoOutput.Seconds(time)} with its old subnet {subnet}");
        await PingAgainAsync(vpc.Instances, cancel);
    }

    private async Task PingAgainAsync(IReadOnlyList<EcsInstance> living, CancellationToken cancel)
    {
        if (vpc.NoDataPath is not null)
        {
            return;
        }
        var alive = containers.Where(entry => living.Contains(entry.Instance)).ToArray();
        // The router follows the route table; give it the moment that it needs.
        await alive[0].Container.WaitForPingAsync(alive[^1].Container.Address, cancel);
        await tables.PingsAsync(alive, cancel);
    }
}
