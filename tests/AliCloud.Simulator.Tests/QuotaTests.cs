using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.Tests;

public class QuotaTests
{
    private static readonly (string, string) Product = ("ProductCode", "vpc");
    private static readonly (string, string) Quota = ("QuotaActionCode", "vpc_quota_route_entrys_num");
    private static readonly (string, string) Key = ("Dimensions.1.Key", "regionId");
    private static readonly (string, string) Here = ("Dimensions.1.Value", "cn-hangzhou");

    [Fact]
    public async Task The_quota_of_the_settings_has_no_dimension()
    {
        await using var test = await TestCloud.StartAsync();
        var quotas = Client(test);
        var answer = await quotas.CallAsync("GetProductQuota", Product, Quota);
        answer.MustSucceed();
        Assert.Equal((200.0, true), ((double)answer.Body["Quota"]!["TotalQuota"]!, (bool)answer.Body["Quota"]!["Adjustable"]!));
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, Here)).MustFail(400, "QUOTA.DIMENSION.UNSUPPORT");
        (await quotas.CallAsync("GetProductQuota", Product, ("QuotaActionCode", "vpc_quota_other"))).MustFail(400, "QUOTA.NOT.FOUND");
        (await quotas.CallAsync("GetProductQuota", Product)).MustFail(400, "MissingParameter");
        (await quotas.CallAsync("GetVpcRouteEntrySummary", Product, Quota)).MustFail(404, "InvalidAction.NotFound");
    }

    [Fact]
    public async Task A_quota_with_a_dimension_requires_the_region()
    {
        await using var test = await TestCloud.StartAsync(
            setup => setup with { Settings = new CloudSettings { RouteEntryQuotaHasRegions = true } });
        var quotas = Client(test);
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, Here)).MustSucceed();
        (await quotas.CallAsync("GetProductQuota", Product, Quota)).MustFail(400, "QUOTA.DIMENSION.MISS");
        (await quotas.CallAsync("GetProductQuota", Product, Quota, Key, ("Dimensions.1.Value", "cn-beijing"))).MustFail(
            400, "QUOTA.DIMENSION.VALUE.UNSUPPORT");
        (await quotas.CallAsync("GetProductQuota", Product, Quota, ("Dimensions.1.Key", "zoneId"), Here)).MustFail(
            400, "QUOTA.DIMENSION.UNSUPPORT");
    }

    [Fact]
    public async Task Parameters_of_the_Quotas_API_are_in_the_body_and_of_the_VPC_API_in_the_query()
    {
        await using var test = await TestCloud.StartAsync();
        using var inQuery = new SigningClient(test.Cloud.Api, test.Clock) { Version = "2020-05-10" };
        (await inQuery.CallAsync("GetProductQuota", Product, Quota)).MustFail(400, "InvalidParameter");
        using var inBody = new SigningClient(test.Cloud.Api, test.Clock) { SendsForm = true };
        (await inBody.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidParameter");
        await Client(test).CallAsync("GetProductQuota", Product, Quota);
        Assert.Equal("vpc", test.Cloud.Calls.All[^1].Parameters["ProductCode"]);
    }

    private static SigningClient Client(TestCloud test) => new(test.Cloud.Api, test.Clock) { Version = "2020-05-10", SendsForm = true };
}
