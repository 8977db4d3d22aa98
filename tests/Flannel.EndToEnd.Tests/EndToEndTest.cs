using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What every test of the native executable begins and ends with: a VPC of its own, gone afterwards.</summary>
public abstract class EndToEndTest : IAsyncDisposable
{
    protected const string SubnetPrefix = $"{TestVpc.Prefix}/subnets/";

    /// <summary>As often as flanneld may be told to look at the route tables by itself.</summary>
    protected static readonly string[] QuickResync = ["--route-resync=1"];

    private TestVpc? vpc;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected TestVpc Vpc => vpc!;

    public async ValueTask DisposeAsync()
    {
        if (vpc is not null)
        {
            foreach (var instance in vpc.Instances.Where(instance => instance.Daemon is not null && TestContext.Current.TestState?.Result == TestResult.Failed))
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"--- flanneld on {instance.InstanceId}\n{instance.Daemon!.Everything}");
            }
            await vpc.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>A VPC with so many instances: in namespaces where they can be made, else on the loopback.</summary>
    /// <param name="etcdName">A name for etcd, which then wants mutual TLS; namespaces only.</param>
    protected async Task StartVpcAsync(int instances, World? world = null, bool publishConfig = true, string? etcdName = null)
    {
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        world ??= new World { Instances = World.MakeInstances(instances) };
        vpc = etcdName is null ? await TestVpc.StartHereAsync(world, Cancel) : await VpcTopology.StartAsync(world, Cancel, etcdName);
        if (publishConfig)
        {
            await Vpc.PublishConfigAsync(Cancel);
        }
    }

    /// <summary>Starts flanneld on the instance and waits until it is ready.</summary>
    protected async Task<DaemonProcess> StartReadyAsync(int instance, params string[] arguments)
    {
        var daemon = await Vpc.Instances[instance].StartDaemonAsync(arguments);
        await daemon.WaitForReadyAsync(Cancel);
        return daemon;
    }

    /// <summary>The lease of the instance, or null.</summary>
    protected async Task<EtcdKey?> LeaseAsync(int instance) =>
        (await Vpc.LeasesAsync(Cancel)).SingleOrDefault(lease => JsonNode.Parse(lease.Value)!["PublicIP"]!.GetValue<string>() == Vpc.Instances[instance].PublicIp);

    /// <summary>The subnet of the instance's lease, as the route table writes it.</summary>
    protected async Task<string> SubnetAsync(int instance) => SubnetOf(await LeaseAsync(instance) ?? throw new TestbedException($"instance {instance} has no lease"));

    protected static string SubnetOf(EtcdKey lease) => lease.Key[SubnetPrefix.Length..].Replace('-', '/');

    protected async Task<RouteEntry?> RouteAsync(string subnet) => (await Vpc.Control.CustomRoutesAsync(Cancel)).SingleOrDefault(entry => entry.DestinationCidrBlock == subnet);

    /// <summary>Waits until the route table sends the subnet to the instance.</summary>
    protected Task<RouteEntry> WaitForRouteAsync(string subnet, int instance) => Eventually.HasAsync($"{subnet} is routed to {Vpc.Instances[instance].InstanceId}", async () =>
        await RouteAsync(subnet) is { Status: "Available" } entry && entry.NextHopId == Vpc.Instances[instance].InstanceId ? entry : null, Cancel);

    /// <summary>Flags that give an instance another one's address by hand.</summary>
    protected string[] WithAddressOf(int other, int instance) => WithAddress(Vpc.Instances[other].PublicIp, instance);

    protected string[] WithAddress(string address, int instance) =>
        [Vpc.Instances[instance].Namespace is null ? "--iface=lo" : "--iface=eth0", $"--public-ip={address}"];

    protected Task<EcsInstance> WaitForControllerAsync(Func<EcsInstance, bool>? which = null) => Eventually.HasAsync("the election has a winner", async () =>
        await Vpc.ControllerAsync(Cancel) is { } instance && (which?.Invoke(instance) ?? true) ? instance : null, Cancel);
}
