using System.Diagnostics;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>The main job from end to end, told to a newcomer and checked sentence by sentence.</summary>
internal sealed class Story(Screen screen, TestVpc vpc) : IAsyncDisposable
{
    private const int Nodes = 3;

    /// <summary>So that a repair is seen within a demo's patience; a real cluster looks less often.</summary>
    private static readonly string[] arguments = ["--route-resync=1"];

    private readonly List<(EcsInstance Instance, Container Container)> containers = [];
    private readonly Views views = new(screen, vpc);

    public static void Introduce(Screen screen, string? noDataPath)
    {
        screen.Say("flanneld for Alibaba Cloud VPC: every node gets a subnet from etcd, and the VPC's own route table carries the traffic.");
        screen.Say(noDataPath is null
            ? "All of it on this machine: the native flanneld and a real etcd on a simulated VPC, in network namespaces of their own."
            : $"There is no data path in this run ({noDataPath}): the same story on the loopback of this machine, without containers and pings.");
    }

    public static async Task<TestVpc> BuildAsync(Screen screen, string? noDataPath, CancellationToken cancel)
    {
        TestVpc? vpc = null;
        var world = new World { Instances = World.MakeInstances(Nodes), RouteWriteMilliseconds = 500 };
        await screen.ChapterAsync($"A VPC, {World.VpcCidr}: its router, the metadata service, the VPC and ECS API, etcd, {Nodes} ECS instances", async () =>
        {
            vpc = noDataPath is null
                ? await VpcTopology.StartAsync(world, cancel)
                : await LoopbackVpc.StartAsync(world, cancel, noDataPath);
            screen.Table(["INSTANCE", "ADDRESS", "NETWORK INTERFACE", "VSWITCH"], vpc.Instances
                .Select(instance => new[] { instance.InstanceId, instance.PublicIp, instance.Facts.NetworkInterfaceId, instance.Facts.VSwitchId }));
            screen.Note("The cloud drops foreign addresses on every interface (source/destination check), and needs half a second for a route write.");
        });
        return vpc!;
    }

    public async Task TellAsync(CancellationToken cancel)
    {
        await screen.ChapterAsync("The network config, written to etcd by hand", () => PublishAsync(cancel));
        await screen.ChapterAsync("flanneld on each instance, as an ordinary user with no capability", () => StartAsync(cancel));
        await screen.ChapterAsync("What came of it", () => ShowAsync(cancel));
        if (vpc.NoDataPath is null)
        {
            await screen.ChapterAsync("A container on each instance, wired by its subnet.env", () => PingAsync(cancel));
        }
        await screen.ChapterAsync("Somebody deletes a route at the console", () => RepairAsync(vpc.Instances, cancel));
        await screen.ChapterAsync("The controller's node loses its power", () => TakeOverAsync(cancel));
    }

    /// <summary>Everybody is told to stop, as systemd would.</summary>
    public async Task EndAsync()
    {
        await screen.ChapterAsync("SIGTERM to every flanneld, as systemctl stop sends it", async () =>
        {
            var before = await views.SubnetsAsync(CancellationToken.None);
            foreach (var instance in vpc.Instances)
            {
                var code = await instance.Daemon!.StopAsync(CancellationToken.None);
                Promise.That(code == 0, $"flanneld on {instance.InstanceId} ends with exit code 0 when it is told to stop; it was {code}");
            }
            var after = await views.SubnetsAsync(CancellationToken.None);
            Promise.That(after.Count == before.Count, "a node that stops keeps its lease");
            screen.Note("All ended with exit code 0, and their leases stay in etcd: the next start finds them again.");
        });
        screen.Say();
        screen.Say("All as promised.");
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
        screen.Note($"etcdctl put {TestVpc.Prefix}/config '{TestVpc.Config}'");
        await vpc.Etcd.ControlAsync(cancel, "put", $"{TestVpc.Prefix}/config", TestVpc.Config);
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        screen.Note($"flanneld {string.Join(' ', [.. vpc.Instances[0].Arguments, .. arguments])}");
        foreach (var instance in vpc.Instances)
        {
            await instance.StartDaemonAsync(arguments);
        }
        foreach (var instance in vpc.Instances)
        {
            var time = await instance.Daemon!.WaitForReadyAsync(cancel);
            screen.Note($"{instance.InstanceId}: READY=1 after {Screen.Seconds(time)}   {instance.Daemon.Notify.Status}");
        }
    }

    private async Task ShowAsync(CancellationToken cancel)
    {
        await views.LeasesAsync(cancel);
        await views.RouteTableAsync(cancel);
        await views.SubnetFilesAsync(cancel);

        var subnets = await views.SubnetsAsync(cancel);
        var routes = await vpc.Control.CustomRoutesAsync(cancel);
        Promise.That(subnets.Values.Distinct().Count() == Nodes, "each node has a subnet of its own");
        foreach (var instance in vpc.Instances)
        {
            Promise.That(subnets.TryGetValue(instance.PublicIp, out var subnet), $"{instance.InstanceId} has a lease");
            Promise.That(routes.Any(entry => entry.DestinationCidrBlock == subnet && entry.NextHopId == instance.InstanceId && entry.Status == "Available"), $"the route table sends {subnet} to {instance.InstanceId}");
            var file = await instance.ReadSubnetFileAsync(cancel);
            Promise.That(file?["FLANNEL_SUBNET"] == subnet!.Replace(".0/", ".1/", StringComparison.Ordinal), $"subnet.env on {instance.InstanceId} names the first address of {subnet}");
        }
    }

    private async Task PingAsync(CancellationToken cancel)
    {
        foreach (var instance in vpc.Instances)
        {
            containers.Add((instance, await Container.StartAsync(instance, cancel)));
        }
        await views.PingsAsync(containers, cancel);
    }

    private async Task RepairAsync(IReadOnlyList<EcsInstance> living, CancellationToken cancel)
    {
        var victim = living[^1];
        var subnet = (await views.SubnetsAsync(cancel))[victim.PublicIp];
        var route = (await vpc.Control.CustomRoutesAsync(cancel)).Single(entry => entry.DestinationCidrBlock == subnet);
        var started = Stopwatch.GetTimestamp();
        await vpc.Control.DeleteRouteAsync(route.RouteEntryId, cancel);
        screen.Note($"{subnet} -> {victim.InstanceId}, {route.RouteEntryId}: deleted behind the controller's back");
        await SilenceAsync(living, victim, subnet, cancel);
        var back = await Eventually.HasAsync($"the route of {subnet} comes back", async () => (await vpc.Control.CustomRoutesAsync(cancel))
            .SingleOrDefault(entry => entry.DestinationCidrBlock == subnet && entry.NextHopId == victim.InstanceId && entry.Status == "Available" && entry.RouteEntryId != route.RouteEntryId), cancel);
        screen.Note($"{subnet} -> {victim.InstanceId}, {back.RouteEntryId}: back after {Screen.Seconds(Stopwatch.GetElapsedTime(started))}");
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
            Promise.That(ping.Received == 0, $"nothing reaches {to.Address} without a route");
            screen.Note($"{from.Address} pings {to.Address}: no answer, the VPC has no route");
        }
    }

    private async Task TakeOverAsync(CancellationToken cancel)
    {
        var old = await Eventually.HasAsync("a node holds the election", () => vpc.ControllerAsync(cancel), cancel);
        var subnet = (await views.SubnetsAsync(cancel))[old.PublicIp];
        var started = Stopwatch.GetTimestamp();
        await old.PowerOffAsync(cancel);
        screen.Note($"{old.InstanceId} was the controller. Its power is off.");
        var successor = await Eventually.HasAsync("another node takes over", async () => await vpc.ControllerAsync(cancel) is { } now && now != old ? now : null, cancel);
        screen.Note($"{successor.InstanceId} is the controller after {Screen.Seconds(Stopwatch.GetElapsedTime(started))}. Meanwhile nothing changed for the others:");
        EcsInstance[] living = [.. vpc.Instances.Where(instance => instance != old)];
        await PingAgainAsync(living, cancel);
        screen.Note("And the new one does its work; a route is deleted again:");
        await RepairAsync(living, cancel);

        await old.PowerOnAsync(cancel);
        var daemon = await old.StartDaemonAsync(arguments);
        var time = await daemon.WaitForReadyAsync(cancel);
        Promise.That((await views.SubnetsAsync(cancel))[old.PublicIp] == subnet, $"{old.InstanceId} finds its lease {subnet} again");
        screen.Note($"{old.InstanceId} has power again: READY=1 after {Screen.Seconds(time)} with its old subnet {subnet}");
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
        await views.PingsAsync(alive, cancel);
    }
}
