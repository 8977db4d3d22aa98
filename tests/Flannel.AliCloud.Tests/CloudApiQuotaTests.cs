using System.Net;
using System.Security.Cryptography;
using System.Text;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests;

public class CloudApiQuotaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public async Task The_limit_of_a_route_table_is_told_whether_or_not_it_is_kept_by_region(bool byRegion, int calls)
    {
        await using var cloud = await StartAsync(world => world with { Settings = world.Settings with { RouteEntryQuota = 320, RouteEntryQuotaHasRegions = byRegion } });
        Assert.Equal(new RouteEntryQuota(320, true), (await cloud.Api.GetRouteEntryQuotaAsync(Region, Token)).Value);
        Assert.Equal(calls, cloud.Cloud.Calls.Count("quotas", "GetProductQuota"));
    }

    [Fact]
    public async Task The_parameters_are_a_form_in_the_body_and_signed_with_their_content_type()
    {
        string body = "", type = "";
        var handler = new StubHandler(async (request, _, cancellation) =>
        {
            body = await request.Content!.ReadAsStringAsync(cancellation);
            type = request.Content.Headers.ContentType!.ToString();
            return StubHandler.Answer(HttpStatusCode.OK,
                """{"RequestId":"R","Quota":{"QuotaActionCode":"vpc_quota_route_entrys_num","TotalQuota":200.0,"Adjustable":true}}""");
        });
        using var api = new CloudApi(
            new CloudApiOptions { ProgramVersion = "t" }, StaticCredentials.Of(KeyId, KeySecret), TimeProvider.System, new Random(7), new RecordingLogger(), handler);
        Assert.Equal(200, (await api.GetRouteEntryQuotaAsync(Region, Token)).Value!.Total);
        var request = Assert.Single(handler.Requests);
        Assert.Equal("", request.Address.Query);
        Assert.Equal("application/x-www-form-urlencoded", type);
        Assert.Equal(
            "Dimensions.1.Key=regionId&Dimensions.1.Value=cn-hangzhou&ProductCode=vpc&QuotaActionCode=vpc_quota_route_entrys_num", body);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(body))), request.Headers["x-acs-content-sha256"]);
        Assert.Contains("SignedHeaders=content-type;host;x-acs-action;", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_may_not_ask_is_told_which_right_it_lacks()
    {
        await using var cloud = await StartAsync();
        var answer = await cloud.ApiWith(StaticCredentials.Of("LTAIread", KeySecret)).GetRouteEntryQuotaAsync(Region, Token);
        Assert.Equal((CloudErrorKind.Denied, "quotas:GetProductQuota"), (answer.Error!.Kind, answer.Error.DeniedAction));
        Assert.Equal(1, cloud.Cloud.Calls.Count("quotas", "GetProductQuota"));
    }

    [Fact]
    public async Task Beside_a_VPC_endpoint_of_its_own_nobody_else_is_asked()
    {
        await using var cloud = await StartAsync();
        using var api = new CloudApi(
            cloud.Options with { QuotasEndpoint = null }, StaticCredentials.Of(KeyId, KeySecret), cloud.Clock, new Random(7), cloud.Logger);
        var answer = await api.GetRouteEntryQuotaAsync(Region, Token);
        Assert.Contains("VPC endpoint", answer.Error!.Message, StringComparison.Ordinal);
        Assert.Empty(cloud.Cloud.Calls.All);
    }

    [Theory]
    [InlineData("cn-hangzhou", "quotas-vpc.cn-hangzhou.aliyuncs.com", "quotas.aliyuncs.com")]
    [InlineData("eu-central-1", "quotas.aliyuncs.com")]
    public void The_service_is_central_and_has_internal_hosts_in_few_regions(string region, params string[] hosts) =>
        Assert.Equal(hosts, new CloudEndpoints(_ => null, TimeProvider.System).Candidates(CloudService.Quotas, region).Select(e => e.Host));
}
