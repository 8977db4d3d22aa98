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
    public async Task The_quota_is_read_with_or_without_a_dimension_for_the_region(bool byRegion, int calls)
    {
        await using var cloud = await StartAsync(
            setup => setup with { Settings = setup.Settings with { RouteEntryQuota = 320, RouteEntryQuotaHasRegions = byRegion } });
        Assert.Equal(new RouteEntryQuota(320), (await cloud.Api.GetRouteEntryQuotaAsync(Region, Token)).Value);
        Assert.Equal(calls, cloud.Cloud.Calls.Count("quotas", "GetProductQuota"));
    }

    [Fact]
    public async Task The_parameters_are_a_signed_form_in_the_body()
    {
        string body = "", type = "";
        var handler = new StubHandler(async (request, _, cancellation) =>
        {
            body = await request.Content!.ReadAsStringAsync(cancellation);
            type = request.Content.Headers.ContentType!.ToString();
            return StubHandler.Answer(HttpStatusCode.OK,
                """{"RequestId":"R","Quota":{"QuotaActionCode":"vpc_quota_route_entrys_num","TotalQuota":200.0,"Adjustable":true}}""");
        });
        using var api = new CloudApi(Contexts.Create(handler: handler), StaticCredentials.Of(KeyId, KeySecret));
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
    public async Task A_missing_permission_for_the_quota_is_named()
    {
        await using var cloud = await StartAsync();
        var answer = await cloud.ApiWith(StaticCredentials.Of("LTAIread", KeySecret)).GetRouteEntryQuotaAsync(Region, Token);
        Assert.Equal((CloudErrorKind.Denied, "quotas:GetProductQuota"), (answer.Error!.Kind, answer.Error.DeniedAction));
        Assert.Equal(1, cloud.Cloud.Calls.Count("quotas", "GetProductQuota"));
    }

    [Fact]
    public async Task With_a_configured_VPC_endpoint_alone_the_Quotas_API_is_not_called()
    {
        await using var cloud = await StartAsync();
        using var api = new CloudApi(
            Contexts.Create(cloud.Options with { QuotasEndpoint = null }, cloud.Clock, cloud.Logger),
                StaticCredentials.Of(KeyId, KeySecret));
        var answer = await api.GetRouteEntryQuotaAsync(Region, Token);
        Assert.Contains("VPC endpoint", answer.Error!.Message, StringComparison.Ordinal);
        Assert.Empty(cloud.Cloud.Calls.All);
    }

    [Theory]
    [InlineData("cn-hangzhou", "quotas-vpc.cn-hangzhou.aliyuncs.com", "quotas.aliyuncs.com")]
    [InlineData("eu-central-1", "quotas.aliyuncs.com")]
    public void The_Quotas_API_is_central_and_has_internal_hosts_in_few_regions(string region, params string[] hosts) =>
        Assert.Equal(hosts, new CloudEndpoints(_ => null, TimeProvider.System).Candidates(CloudService.Quotas, region).Select(e => e.Host));
}
