using AliCloud.Simulator.Api;
using AliCloud.Simulator.Worlds;

namespace AliCloud.Simulator.Tests;

public class QuotaTests
{
    private static readonly (string, string) Product = ("ProductCode", "vpc");
    private static readonly (string, string) Quota = ("QuotaActionCode", "vpc_quota_route_entrys_num");
    private static readonly (string, string) Key = ("Dimensions.1.Key", "regionId");
    private static readonly (string, string) Here = ("Dimensions.1.Value", "cn-hangzhou");

    [Fact]
    public async Task The_quota_is_that_of_the_settings_and_knows_no_region()
    {
        await using var test = await TestCloud.StartAsync();
        var quotas = Client(test);
        var answer = await quotas.CallAsync("GetProductQuota", Product, Quota);
        answer.MustBeDone();
        Assert.Equal((200.0, true), ((double)answer.Body["Quota"]!["TotalQuota"]!, (bool)answer.Body["Quota"]!["Adjustable"]!));
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, Here)).MustBeRefused(400, "QUOTA.DIMENSION.UNSUPPORT");
        (await quotas.CallAsync("GetProductQuota", Product, ("QuotaActionCode", "vpc_quota_other"))).MustBeRefused(400, "QUOTA.NOT.FOUND");
        (await quotas.CallAsync("GetProductQuota", Product)).MustBeRefused(400, "MissingParameter");
        (await quotas.CallAsync("GetVpcRouteEntrySummary", Product, Quota)).MustBeRefused(404, "InvalidAction.NotFound");
    }

    [Fact]
    public async Task Kept_by_region_it_wants_to_be_told_which()
    {
        await using var test = await TestCloud.StartAsync(world => world with { Settings = new WorldSettings { RouteEntryQuotaHasRegions = true } });
        var quotas = Client(test);
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, Here)).MustBeDone();
        (await quotas.CallAsync("GetProductQuota", Product, Quota)).MustBeRefused(400, "QUOTA.DIMENSION.MISS");
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, ("Dimensions.1.Value", "cn-beijing"))).MustBeRefused(400, "QUOTA.DIMENSION.VALUE.UNSUPPORT");
        (await quotas.CallAsync("GetProductQuota", Product, Quota, ("Dimensions.1.Key", "zoneId"), Here)).MustBeRefused(400, "QUOTA.DIMENSION.UNSUPPORT");
    }

    [Fact]
    public async Task Its_parameters_belong_into_the_body_and_those_of_the_VPC_into_the_query()
    {
        await using var test = await TestCloud.StartAsync();
        using var inQuery = new SigningClient(test.Cloud.Api, test.Clock) { Version = "2020-05-10" };
        (await inQuery.CallAsync("GetProductQuota", Product, Quota)).MustBeRefused(400, "InvalidParameter");
        using var inBody = new SigningClient(test.Cloud.Api, test.Clock) { SendsForm = true };
        (await inBody.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustBeRefused(400, "InvalidParameter");
        await Client(test).CallAsync("GetProductQuota", Product, Quota);
        Assert.Equal("vpc", test.Cloud.Calls.All[^1].Parameters["ProductCode"]);
    }

    private static SigningClient Client(TestCloud test) => new(test.Cloud.Api, test.Clock) { Version = "2020-05-10", SendsForm = true };
}
