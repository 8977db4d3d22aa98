using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests.Testbed;

/// <summary>The router of the test bed forwards only what the cloud forwards.</summary>
public sealed class VpcRouterTests : IAsyncLifetime
{
    private VpcTopology? vpc;
    private Container[] containers = [];

    private VpcTopology Vpc => vpc!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        vpc = await VpcTopology.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(2), SourceDestCheck = false }, Cancel);
        containers = [await ContainerAsync(0, "10.24.7"), await ContainerAsync(1, "10.24.8")];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var container in containers)
        {
            await container.DisposeAsync();
        }
        if (vpc is not null)
        {
            await vpc.DisposeAsync();
        }
    }

    [Fact]
    public async Task Containers_reach_each_other_only_while_both_routes_exist()
    {
        Assert.Equal(0, (await PingAsync()).Received);

        await CreateRouteAsync(0, "10.24.7.0/24");
        await WaitForRouterAsync();
        Assert.Equal(0, (await PingAsync()).Received);

        await CreateRouteAsync(1, "10.24.8.0/24");
        await WaitForRouterAsync();
        await containers[0].WaitForPingAsync(containers[1].Address, Cancel);

        var entry = Assert.Single(await Vpc.Control.CustomRoutesAsync(Cancel), entry => entry.DestinationCidrBlock == "10.24.8.0/24");
        await Vpc.Control.DeleteRouteAsync(entry.RouteEntryId, Cancel);
        await WaitForRouterAsync();
        Assert.Equal(0, (await PingAsync()).Received);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_interface_with_the_source_destination_check_neither_sends_from_nor_receives_for_other_addresses(int index)
    {
        await CreateRouteAsync(0, "10.24.7.0/24");
        await CreateRouteAsync(1, "10.24.8.0/24");
        await Vpc.Control.SetSourceDestCheckAsync(Vpc.Instances[index].Facts.NetworkInterfaceId, on: true, Cancel);
        await WaitForRouterAsync();
        Assert.Equal(0, (await PingAsync()).Received);
        await AssertOwnTrafficAsync();

        await Vpc.Control.SetSourceDestCheckAsync(Vpc.Instances[index].Facts.NetworkInterfaceId, on: false, Cancel);
        await WaitForRouterAsync();
        await containers[0].WaitForPingAsync(containers[1].Address, Cancel);
    }

    [Fact]
    public Task Instances_reach_each_other_and_the_metadata_service_without_any_route() => AssertOwnTrafficAsync();

    private async Task AssertOwnTrafficAsync()
    {
        var ns = Vpc.Instances[0].Namespace!;
        foreach (var address in new[] { Vpc.Instances[1].Facts.PrivateIp, VpcTopology.EtcdAddress, VpcTopology.MetadataAddress })
        {
            var ping = await ns.ExecAsync("ping", ["-c", "1", "-W", "5", address], Cancel);
            Assert.True(ping.ExitCode == 0, $"{address}: {ping.Output}{ping.Error}");
        }
        using var http = ns.CreateHttpClient(new Uri($"http://{VpcTopology.MetadataAddress}"));
        Assert.Equal(Vpc.Instances[0].InstanceId,
            await http.GetStringAsync(new Uri("/latest/meta-data/instance-id", UriKind.Relative), Cancel));
    }

    private async Task<Container> ContainerAsync(int index, string subnet)
    {
        var instance = Vpc.Instances[index];
        await File.WriteAllTextAsync(instance.SubnetFile, TestVpc.SubnetEnv($"{subnet}.1/24"), Cancel);
        return await Container.StartAsync(instance, Cancel);
    }

    private Task CreateRouteAsync(int index, string destination) =>
        Vpc.Control.CreateRouteAsync(destination, Vpc.Instances[index].InstanceId, Cancel);

    private async Task WaitForRouterAsync()
    {
        var version = (await Vpc.Control.WatchRoutesAsync(0, Cancel)).Version;
        await Eventually.IsAsync($"the router forwards by version {version}", () => Task.FromResult(Vpc.Router.Version >= version), Cancel);
    }

    private Task<PingResult> PingAsync() => containers[0].PingAsync(containers[1].Address, Cancel);
}
