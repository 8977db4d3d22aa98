using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Routes of IPv6 subnets. The leases of the dual-stack nodes are written by the test.</summary>
public sealed class DualStackRouteTests : EndToEndTest
{
    private const string DualStackConfig =
        """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:24::/48","Backend":{"Type":"ali-vpc"}}""";

    [Fact]
    public async Task A_refused_IPv6_route_is_a_state_of_that_node_alone_and_another_nodes_IPv6_route_is_created()
    {
        await StartVpcAsync(3);
        var controller = await StartReadyAsync(0, QuickResync);
        var ownSubnet = await SubnetAsync(0);
        await Vpc.Control.SetIpv6Async("2408:4005:300::/56", Cancel);
        await Vpc.Control.SetIpv6AddressesAsync(Vpc.Instances[1].Facts.NetworkInterfaceId, ["2408:4005:300::12"], Cancel);
        await Vpc.Control.SetIpv6AddressesAsync(
            Vpc.Instances[2].Facts.NetworkInterfaceId, ["2408:4005:300::13", "2408:4005:300::14"], Cancel);
        await Vpc.PublishConfigAsync(Cancel, DualStackConfig);
        var free = FreeSubnets(ownSubnet);
        string[] keys = [$"{KeyOf(free[0])}&fd00:24:0:201::-64", $"{KeyOf(free[1])}&fd00:24:0:202::-64"];
        await LeaseDualStackAsync(1, keys[0]);
        await LeaseDualStackAsync(2, keys[1]);

        await WaitForRouteAsync(free[0], 1);
        await WaitForRouteAsync(free[1], 2);
        await WaitForRouteAsync("fd00:24:0:201::/64", 1);
        var accepted = await WaitForIpv6StateAsync(keys[0], "Available");
        Assert.Equal("fd00:24:0:201::/64", accepted["Ipv6"]!["Subnet"]!.GetValue<string>());
        var refused = await WaitForIpv6StateAsync(keys[1], "Rejected");
        var reason = refused["Ipv6"]!["Message"]!.GetValue<string>();
        Assert.Contains("OperationUnsupported.MutipleIpv6Address", reason, StringComparison.Ordinal);
        Assert.Equal("Available", refused["State"]!.GetValue<string>());
        Assert.Null(await RouteAsync("fd00:24:0:202::/64"));

        // The node that started with IPv4 alone has its route and no state of IPv6.
        await WaitForRouteAsync(ownSubnet, 0);
        Assert.True(controller.IsReady);
        var own = await Vpc.Etcd.Keys.GetAsync($"{TestVpc.Prefix}/ali-vpc/routes/{KeyOf(ownSubnet)}", Cancel);
        Assert.Null(JsonNode.Parse(own!.Value)!["Ipv6"]);

        var list = await Vpc.Instances[0].RunCommandAsync("routes", Cancel);
        Assert.Contains(list.Output.Split('\n'), line => line.Contains("leased", StringComparison.Ordinal)
            && line.Contains("fd00:24:0:201::/64", StringComparison.Ordinal));

        var batches = (await Vpc.Control.ApiCallsAsync(Cancel)).Where(call => call.Action == "CreateRouteEntries");
        Assert.All(batches, call => Assert.Single(FamiliesOf(call)));
    }

    private Task LeaseDualStackAsync(int instance, string key)
    {
        var lease = new JsonObject
        {
            ["PublicIP"] = Vpc.Instances[instance].PublicIp,
            ["PublicIPv6"] = null,
            ["BackendType"] = "ali-vpc",
            ["BackendData"] = Vpc.Instances[instance].AliVpcBackendData,
        };
        return Vpc.Etcd.Keys.PutAsync(SubnetPrefix + key, lease.ToJsonString(), Cancel);
    }

    /// <summary>Waits for the state of an IPv6 route, and returns the route status.</summary>
    private Task<JsonNode> WaitForIpv6StateAsync(string key, string state) => Eventually.HasAsync(
        $"the IPv6 route of {key} is {state}",
        async () => await Vpc.Etcd.Keys.GetAsync($"{TestVpc.Prefix}/ali-vpc/routes/{key}", Cancel) is { } pair
            && JsonNode.Parse(pair.Value) is { } status && status["Ipv6"]?["State"]?.GetValue<string>() == state ? status : null,
        Cancel);

    private static IEnumerable<bool> FamiliesOf(CloudCall call) => call.Parameters!
        .Where(parameter => parameter.Key.EndsWith("DstCidrBlock", StringComparison.Ordinal))
        .Select(parameter => parameter.Value!.GetValue<string>().Contains(':', StringComparison.Ordinal)).Distinct();
}
