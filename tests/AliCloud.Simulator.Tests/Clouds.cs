using AliCloud.Simulator.Setup;
using Microsoft.Extensions.Time.Testing;

namespace AliCloud.Simulator.Tests;

/// <summary>A small setup: two VPCs, three instances in the first (one with a second interface), one in the other.</summary>
internal static class Clouds
{
    public const string KeyId = "LTAItest";
    public const string Secret = "secret of the test";

    public static readonly CloudSetup CloudSetup = new()
    {
        RegionId = "cn-hangzhou",
        AccessKeys =
        [
            new AccessKeySetup { Id = KeyId, Secret = Secret },
            new AccessKeySetup { Id = "LTAIoff", Secret = Secret, Inactive = true },
            new AccessKeySetup { Id = "LTAIread", Secret = Secret, DeniedActions = ["vpc:Create*", "ecs:ModifyNetworkInterfaceAttribute"] },
        ],
        Roles = [new RoleSetup { Name = "FlannelRole" }, new RoleSetup { Name = "OtherRole" }],
        Vpcs =
        [
            new VpcSetup
            {
                VpcId = "vpc-1",
                CidrBlock = "192.168.0.0/16",
                RouteTables =
                [
                    new RouteTableSetup { RouteTableId = "vtb-1",
                        Entries = [Nat("0.0.0.0/0"), Nat("10.99.0.0/16") with { ServiceType = "TR" }] },
                    new RouteTableSetup { RouteTableId = "vtb-2", RouteTableType = "Custom" },
                    new RouteTableSetup { RouteTableId = "vtb-gw", RouteTableType = "Custom", AssociateType = "Gateway" },
                ],
                VSwitches =
                [
                    new VSwitchSetup { VSwitchId = "vsw-1",
                        CidrBlock = "192.168.1.0/24", ZoneId = "cn-hangzhou-h", RouteTableId = "vtb-1" },
                    new VSwitchSetup { VSwitchId = "vsw-2",
                        CidrBlock = "192.168.2.0/24", ZoneId = "cn-hangzhou-i", RouteTableId = "vtb-2" },
                ],
            },
            new VpcSetup
            {
                VpcId = "vpc-2",
                CidrBlock = "172.16.0.0/12",
                RouteTables = [new RouteTableSetup { RouteTableId = "vtb-other" }],
                VSwitches = [new VSwitchSetup { VSwitchId = "vsw-other",
                    CidrBlock = "172.16.0.0/24", ZoneId = "cn-hangzhou-h", RouteTableId = "vtb-other" }],
            },
        ],
        Instances =
        [
            Instance("i-1", Interface("eni-1", 1, "vsw-1", "192.168.1.11"),
                Interface("eni-1b", 9, "vsw-1", "192.168.1.19") with { SourceDestCheck = false }),
            Instance("i-2", Interface("eni-2", 2, "vsw-1", "192.168.1.12")) with { HardenedMetadata = true },
            Instance("i-3", Interface("eni-3", 3, "vsw-2", "192.168.2.13")) with { RamRole = null },
            Instance("i-other", Interface("eni-other", 4, "vsw-other", "172.16.0.14")),
        ],
    };

    public static InterfaceSetup Interface(string id, int mac, string vSwitchId, string ip) =>
        new() { NetworkInterfaceId = id, Mac = $"00:16:3e:00:00:{mac:x2}", VSwitchId = vSwitchId, PrivateIp = ip };

    public static InstanceSetup Instance(string id, params InterfaceSetup[] interfaces) =>
        new() { InstanceId = id, RamRole = "FlannelRole", MetadataPort = 0, Interfaces = interfaces };

    public static RouteEntrySetup Nat(string destination) =>
        new() { DestinationCidrBlock = destination, NextHopType = "NatGateway", NextHopId = "ngw-1" };

    public static FakeTimeProvider Clock() => new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
}

/// <summary>A running cloud on a clock that only the test advances, and a client with all permissions.</summary>
internal sealed class TestCloud : IAsyncDisposable
{
    private TestCloud(SimulatedCloud cloud, FakeTimeProvider clock)
    {
        Cloud = cloud;
        Clock = clock;
        Vpc = new SigningClient(cloud.Api, clock);
        Ecs = new SigningClient(cloud.Api, clock) { Version = "2014-05-26" };
    }

    public SimulatedCloud Cloud { get; }
    public FakeTimeProvider Clock { get; }
    public SigningClient Vpc { get; }
    public SigningClient Ecs { get; }
    public HttpClient Http { get; } = new();

    public static async Task<TestCloud> StartAsync(Func<CloudSetup, CloudSetup>? change = null)
    {
        var clock = Clouds.Clock();
        var setup = change?.Invoke(Clouds.CloudSetup) ?? Clouds.CloudSetup;
        var cloud = await SimulatedCloud.StartAsync(
            setup, new SimulatedCloudOptions { Time = clock }, TestContext.Current.CancellationToken);
        return new TestCloud(cloud, clock);
    }

    public SigningClient Client(string id, string secret = Clouds.Secret, string? token = null) => new(Cloud.Api, Clock, id, secret, token);

    /// <summary>Advances the clock until all writes have settled.</summary>
    public void Settle() => Clock.Advance(TimeSpan.FromMilliseconds(500));

    public Task<ApiReply> CreateAsync(string destination, string nextHop = "i-1", string table = "vtb-1") =>
        Vpc.CallAsync("CreateRouteEntry",
        ("RouteTableId", table), ("DestinationCidrBlock", destination), ("NextHopId", nextHop), ("NextHopType", "Instance"));

    public Task<ApiReply> CreateManyAsync(params (string Destination, string NextHop)[] routes) => Vpc.CallAsync("CreateRouteEntries",
        [("RegionId", "cn-hangzhou"), .. routes.SelectMany((r, n) => Item(n + 1, "vtb-1", r.Destination, r.NextHop))]);

    public static (string, string)[] Item(int n, string table, string destination, string nextHop) =>
    [
        ($"RouteEntries.{n}.RouteTableId", table), ($"RouteEntries.{n}.DstCidrBlock", destination), ($"RouteEntries.{n}.NextHop", nextHop),
        ($"RouteEntries.{n}.NextHopType", "Instance"),
    ];

    public async Task<string> GetMetadataAsync(string instance, string path)
    {
        using var response = await MetadataAsync(instance, HttpMethod.Get, path);
        Assert.Equal(200, (int)response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public async Task<HttpResponseMessage> MetadataAsync(
        string instance, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Cloud.MetadataByInstance[instance], path));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Vpc.Dispose();
        Ecs.Dispose();
        Http.Dispose();
        await Cloud.DisposeAsync();
    }
}
