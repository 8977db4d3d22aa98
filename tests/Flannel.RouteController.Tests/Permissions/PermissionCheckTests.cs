using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Addresses;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.RouteController.Tests.Permissions;

public class PermissionCheckTests
{
    private static readonly AliVpcBackendData Self = new(Region, "vpc-1", "vsw-1", "i-1", "eni-1", true);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_action_of_the_route_controller_is_tried_and_the_vpc_is_as_before()
    {
        await using var cloud = await StartAsync();
        var before = cloud.Cloud.State.CustomRoutes();
        var check = await RunAsync(cloud, KeyId);
        Assert.Equal(12, check.Permissions.Count);
        // The source/destination check is on, and a trial would disable it.
        Assert.Equal(
            ["ecs:ModifyNetworkInterfaceAttribute"],
            check.Permissions.Where(permission => permission.State != PermissionState.Granted).Select(permission => permission.Action));
        Assert.True(check.SourceDestCheck);
        Assert.Equal("vtb-1", check.VSwitch.Value!.RouteTableId);
        Assert.Equal(before, cloud.Cloud.State.CustomRoutes());
        Assert.True(cloud.Cloud.State.Snapshot().Interfaces.Single(i => i.NetworkInterfaceId == "eni-1").SourceDestCheck);
        var tried = cloud.Cloud.Calls.All.Select(call => $"{call.Service}:{call.Action}").ToHashSet();
        Assert.All(ActionsIn(check, PermissionState.Granted), action => Assert.Contains(action, tried));
    }

    /// <summary>With one denied permission, only that one is reported as denied.</summary>
    [Theory]
    [InlineData("vpc:DescribeVSwitchAttributes", "vpc:DescribeRouteEntryList", "vpc:CreateRouteEntry", "vpc:CreateRouteEntries",
        "vpc:ModifyRouteEntry", "vpc:DeleteRouteEntries")]
    [InlineData("vpc:DescribeRouteTableList")]
    [InlineData("vpc:DescribeRouteEntryList")]
    [InlineData("vpc:DescribeVpcAttribute")]
    [InlineData("vpc:DescribeVSwitches")]
    [InlineData("vpc:CreateRouteEntry")]
    [InlineData("vpc:CreateRouteEntries")]
    [InlineData("vpc:ModifyRouteEntry")]
    [InlineData("vpc:DeleteRouteEntries")]
    [InlineData("ecs:DescribeNetworkInterfaces", "ecs:ModifyNetworkInterfaceAttribute")]
    [InlineData("ecs:ModifyNetworkInterfaceAttribute")]
    [InlineData("quotas:GetProductQuota")]
    public async Task A_missing_permission_is_found(string action, params string[] blocked)
    {
        await using var cloud = await StartAsync(setup => setup with
        {
            AccessKeys = [new AccessKeySetup { Id = "LTAIless", Secret = KeySecret, DeniedActions = [action] }],
            Roles = [],
            OidcProviders = [],
            Instances =
            [
                Instance("i-1", Interface("eni-1", 1, "vsw-1", "192.168.1.11") with { SourceDestCheck = false }) with { RamRole = null },
            ],
        });
        var check = await RunAsync(cloud, "LTAIless");
        Assert.Equal([action], ActionsIn(check, PermissionState.Denied));
        Assert.Equal(blocked, ActionsIn(check, PermissionState.Blocked));
    }

    [Fact]
    public async Task A_rejected_key_is_not_a_missing_permission()
    {
        await using var cloud = await StartAsync();
        var check = await RunAsync(cloud, "LTAIoff");
        Assert.Equal("InvalidAccessKeyId.Inactive", check.CredentialsError!.Code);
        Assert.Empty(check.Permissions);
    }

    private static IEnumerable<string> ActionsIn(PermissionCheck check, PermissionState state) =>
        check.Permissions.Where(permission => permission.State == state).Select(permission => permission.Action);

    private static Task<PermissionCheck> RunAsync(TestCloud cloud, string keyId) =>
        PermissionCheck.RunAsync(cloud.ApiWith(StaticCredentials.Of(keyId, KeySecret)), Self, Ipv4Network.Parse("10.24.255.0/24"), Token);
}
