using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The base of tests of the native executable: each has its own VPC, which is removed afterwards.</summary>
public abstract class EndToEndTest : IAsyncDisposable
{
    protected const string SubnetPrefix = $"{TestVpc.Prefix}/subnets/";

    /// <summary>The shortest interval in which flanneld reads the route tables.</summary>
    protected static readonly string[] QuickResync = ["--route-resync=1"];

    private TestVpc? vpc;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected TestVpc Vpc => vpc!;

    public async ValueTask DisposeAsync()
    {
        if (vpc is not null)
        {
            DaemonLogs.WriteIfFailed(vpc.Instances);
            await vpc.DisposeAsync();
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a VPC with the given number of instances, in network namespaces if the host can create them, otherwise on the
    /// loopback.</summary>
    /// <param name="etcdName">The DNS name of an etcd with mutual TLS (with network namespaces only); null for an etcd without TLS.</param>
    protected async Task StartVpcAsync(int instances, CloudSetup? setup = null, bool publishConfig = true, string? etcdName = null)
    {
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        setup ??= new CloudSetup { Instances = CloudSetup.MakeInstances(instances) };
        vpc = etcdName is null ? await TestVpc.StartHereAsync(setup, Cancel) : await VpcTopology.StartAsync(setup, Cancel, etcdName);
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
    protected async Task<EtcdKey?> LeaseAsync(int instance) => (await Vpc.LeasesAsync(Cancel)).SingleOrDefault(
        lease => JsonNode.Parse(lease.Value)!["PublicIP"]!.GetValue<string>() == Vpc.Instances[instance].PublicIp);

    /// <summary>The subnet of the instance's lease in CIDR notation.</summary>
    protected async Task<string> SubnetAsync(int instance) =>
        SubnetOf(await LeaseAsync(instance) ?? throw new TestbedException($"instance {instance} has no lease"));

    /// <summary>Subnets of the flannel network without a lease, given the only leased one.</summary>
    protected static string[] FreeSubnets(string leased) =>
        [.. new[] { "10.24.250.0/24", "10.24.251.0/24", "10.24.252.0/24" }.Where(subnet => subnet != leased)];

    /// <summary>The last part of the lease's key in etcd: <c>10.24.5.0-24</c>.</summary>
    protected static string KeyOf(string subnet) => subnet.Replace('/', '-');

    protected static string SubnetOf(EtcdKey lease) => lease.Key[SubnetPrefix.Length..].Replace('-', '/');

    protected async Task<RouteEntry?> RouteAsync(string subnet) =>
        (await Vpc.Control.CustomRoutesAsync(Cancel)).SingleOrDefault(entry => entry.DestinationCidrBlock == subnet);

    /// <summary>Waits until the route of the subnet to the instance is available.</summary>
    protected Task<RouteEntry> WaitForRouteAsync(string subnet, int instance) => Eventually.HasAsync(
        $"{subnet} is routed to {Vpc.Instances[instance].InstanceId}",
        async () => await RouteAsync(subnet) is { Status: "Available" } entry && entry.NextHopId == Vpc.Instances[instance].InstanceId
            ? entry
            : null,
        Cancel);

    /// <summary>Creates a route with the mark of a cluster, as the route controller of that cluster does.</summary>
    protected Task CreateMarkedRouteAsync(string subnet, int instance, string mark) =>
        Vpc.Control.CreateRouteAsync(subnet, Vpc.Instances[instance].InstanceId, Cancel, mark, $"{mark}: flannel route");

    /// <summary>Flags that give an instance the public address of another instance.</summary>
    protected string[] WithAddressOf(int other, int instance) => WithAddress(Vpc.Instances[other].PublicIp, instance);

    protected string[] WithAddress(string address, int instance) =>
        [Vpc.Instances[instance].Namespace is null ? "--iface=lo" : "--iface=eth0", $"--public-ip={address}"];

    protected Task WaitForNoRouteAsync(string subnet) =>
        Eventually.IsAsync($"the route of {subnet} is deleted", async () => await RouteAsync(subnet) is null, Cancel);

    /// <summary>Every command warns that the test bed uses http. On a busy machine it also says what it waits for.</summary>
    protected static void AssertOnlyHttpWarnings(string error) =>
        Assert.DoesNotContain(error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => !line.Contains(" http://", StringComparison.Ordinal) && !line.StartsWith("waiting for ", StringComparison.Ordinal));

    protected Task<EcsInstance> WaitForControllerAsync(Func<EcsInstance, bool>? which = null) =>
        Eventually.HasAsync(
            "a route controller is elected",
            async () => await Vpc.ControllerAsync(Cancel) is { } instance && (which?.Invoke(instance) ?? true) ? instance : null, Cancel);
}
