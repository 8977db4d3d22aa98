using System.Globalization;
using System.Text.Json.Nodes;

namespace AliCloud.Simulator.Tests;

public sealed class RoleCredentialTests
{
    private const string Path = "/latest/meta-data/ram/security-credentials/";

    [Fact]
    public async Task Credentials_of_a_role_sign_calls_and_are_logged_with_their_instance()
    {
        await using var test = await TestCloud.StartAsync();
        var role = await test.GetMetadataAsync("i-1", Path);
        Assert.Equal("FlannelRole", role);
        var found = await FindAsync(test, "i-1");
        Assert.Equal("Success", (string?)found["Code"]);
        using var client = Client(test, found);
        (await client.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
        var call = test.Cloud.Calls.All[^1];
        Assert.Equal(("i-1", (string?)found["AccessKeyId"], "vpc", "DescribeVpcs"),
            (call.InstanceId, call.AccessKeyId, call.Service, call.Action));
    }

    [Fact]
    public async Task Instances_have_different_credentials_and_one_without_a_role_has_none()
    {
        await using var test = await TestCloud.StartAsync();
        Assert.NotEqual((string?)(await FindAsync(test, "i-1"))["AccessKeyId"], (string?)(await FindAsync(test, "i-other"))["AccessKeyId"]);
        using var none = await test.MetadataAsync("i-3", HttpMethod.Get, Path);
        Assert.Equal(404, (int)none.StatusCode);
    }

    [Fact]
    public async Task Credentials_rotate_before_they_expire_and_old_ones_stay_valid()
    {
        await using var test = await TestCloud.StartAsync();
        var first = await FindAsync(test, "i-1");
        Assert.Equal(TimeSpan.FromHours(6), Time(first, "Expiration") - Time(first, "LastUpdated"));
        test.Clock.Advance(TimeSpan.FromHours(4));
        Assert.Equal((string?)first["AccessKeyId"], (string?)(await FindAsync(test, "i-1"))["AccessKeyId"]);
        test.Clock.Advance(TimeSpan.FromMinutes(31));
        var second = await FindAsync(test, "i-1");
        Assert.NotEqual((string?)first["AccessKeyId"], (string?)second["AccessKeyId"]);
        using var old = Client(test, first);
        using var current = Client(test, second);
        (await old.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
        (await current.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();

        test.Clock.Advance(Time(first, "Expiration") - test.Clock.GetUtcNow());
        (await old.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidSecurityToken.Expired");
        (await current.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
    }

    [Fact]
    public async Task The_token_must_belong_to_the_key()
    {
        await using var test = await TestCloud.StartAsync();
        var (mine, other) = (await FindAsync(test, "i-1"), await FindAsync(test, "i-other"));
        using var without = test.Client((string)mine["AccessKeyId"]!, (string)mine["AccessKeySecret"]!);
        using var mixed = test.Client((string)mine["AccessKeyId"]!, (string)mine["AccessKeySecret"]!, (string?)other["SecurityToken"]);
        using var malformed = test.Client((string)mine["AccessKeyId"]!, (string)mine["AccessKeySecret"]!, "no token");
        (await without.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "MissingSecurityToken");
        (await mixed.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidSecurityToken.MismatchWithAccessKey");
        (await malformed.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidSecurityToken.Malformed");
    }

    [Fact]
    public async Task A_removed_permission_is_missing_at_once()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = Client(test, await FindAsync(test, "i-1"));
        test.Cloud.Console.SetDeniedActions("FlannelRole", ["vpc:DescribeVpcs"]);
        var reply = await client.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"));
        reply.MustFail(403, "Forbidden.RAM");
        Assert.Equal("vpc:DescribeVpcs", (string?)reply.Body["AccessDeniedDetail"]!["AuthAction"]);
        (await client.CallAsync("DescribeRouteTableList", ("RegionId", "cn-hangzhou"))).MustSucceed();
    }

    [Fact]
    public async Task A_denied_pattern_of_a_key_holds_for_both_services()
    {
        await using var test = await TestCloud.StartAsync();
        using var vpc = test.Client("LTAIread");
        using var ecs = new SigningClient(test.Cloud.Api, test.Clock, "LTAIread") { Version = "2014-05-26" };
        (await vpc.CallAsync("CreateRouteEntry", ("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.24.1.0/24"), ("NextHopId", "i-1")))
            .MustFail(403, "Forbidden.RAM");
        (await ecs.CallAsync(
            "ModifyNetworkInterfaceAttribute", ("RegionId", "cn-hangzhou"), ("NetworkInterfaceId", "eni-1"), ("SourceDestCheck", "false")))
            .MustFail(403, "Forbidden.RAM");
        (await ecs.CallAsync("DescribeNetworkInterfaces", ("RegionId", "cn-hangzhou"))).MustSucceed();
    }

    private static async Task<JsonNode> FindAsync(TestCloud test, string instance) =>
        JsonNode.Parse(await test.GetMetadataAsync(instance, Path + "FlannelRole"))!;

    private static SigningClient Client(TestCloud test, JsonNode found) =>
        test.Client((string)found["AccessKeyId"]!, (string)found["AccessKeySecret"]!, (string?)found["SecurityToken"]);

    private static DateTimeOffset Time(JsonNode found, string name) =>
        DateTimeOffset.Parse((string)found[name]!, CultureInfo.InvariantCulture);
}
