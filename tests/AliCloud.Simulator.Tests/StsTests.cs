using System.Globalization;
using System.Text.Json.Nodes;
using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.Tests;

public sealed class StsTests
{
    private const string Arn = "acs:ram::1234567890123456:role/Router";
    private const string ProviderArn = "acs:ram::1234567890123456:oidc-provider/cluster";

    private static readonly (string, string)[] RequiredParameters = [("RoleArn", Arn), ("RoleSessionName", "test")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_role_that_trusts_a_key_is_assumed_with_it_and_has_its_own_permissions()
    {
        await using var test = await StartAsync();
        var reply = await CallAsync(test, Clouds.KeyId, [.. RequiredParameters, ("DurationSeconds", "900")]);
        reply.MustSucceed();
        var key = reply.Body["Credentials"]!;
        Assert.Equal(test.Clock.GetUtcNow().AddMinutes(15), DateTimeOffset.Parse((string)key["Expiration"]!, CultureInfo.InvariantCulture));
        Assert.EndsWith(":assumed-role/Router/test", (string?)reply.Body["AssumedRoleUser"]!["Arn"], StringComparison.Ordinal);
        using var vpc = test.Client((string)key["AccessKeyId"]!, (string)key["AccessKeySecret"]!, (string)key["SecurityToken"]!);
        (await vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
        (await vpc.CallAsync("DescribeRouteTableList", ("RegionId", "cn-hangzhou"))).MustFail(403, "Forbidden.RAM");
        test.Clock.Advance(TimeSpan.FromMinutes(15));
        (await vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidSecurityToken.Expired");
    }

    [Theory]
    [InlineData("LTAIread", Arn, null, "3600", "NoPermission")]
    [InlineData("LTAIdenied", Arn, null, "3600", "NoPermission")]
    [InlineData(Clouds.KeyId, "acs:ram::1234567890123456:role/Strict", null, "3600", "NoPermission")]
    [InlineData(Clouds.KeyId, "acs:ram::1234567890123456:role/Strict", "wrong", "3600", "NoPermission")]
    [InlineData(Clouds.KeyId, "acs:ram::1234567890123456:role/Strict", "right", "3600", null)]
    [InlineData(Clouds.KeyId, "acs:ram::1234567890123456:role/Missing", null, "3600", "EntityNotExist.Role")]
    [InlineData(Clouds.KeyId, "acs:ram::999:role/Router", null, "3600", "EntityNotExist.Role")]
    [InlineData(Clouds.KeyId, "acs:ram::999:role/OtherAccount", null, "3600", null)]
    [InlineData(Clouds.KeyId, "Router", null, "3600", "InvalidParameter.RoleArn")]
    [InlineData(Clouds.KeyId, Arn, null, "899", "InvalidParameter.DurationSeconds")]
    [InlineData(Clouds.KeyId, Arn, null, "3601", "InvalidParameter.DurationSeconds")]
    public async Task A_role_is_assumed_only_within_its_trust_policy_and_limits(
        string id, string arn, string? externalId, string seconds, string? code)
    {
        await using var test = await StartAsync();
        List<(string, string)> parameters = [("RoleArn", arn), ("RoleSessionName", "test"), ("DurationSeconds", seconds)];
        if (externalId is not null) parameters.Add(("ExternalId", externalId));
        Assert.Equal(code, (await CallAsync(test, id, [.. parameters])).ErrorCode);
    }

    [Fact]
    public async Task The_role_of_an_instance_assumes_another_role()
    {
        await using var test = await StartAsync();
        test.Cloud.Console.SetTrustedBy("Router", ["FlannelRole"]);
        var own = JsonNode.Parse(await test.GetMetadataAsync("i-1", "/latest/meta-data/ram/security-credentials/FlannelRole"))!;
        using var sts = new SigningClient(
            test.Cloud.Api, test.Clock, (string)own["AccessKeyId"]!, (string)own["AccessKeySecret"]!, (string)own["SecurityToken"]!)
        { Version = "2015-04-01" };
        (await sts.CallAsync("AssumeRole", RequiredParameters)).MustSucceed();
        Assert.Equal("i-1", test.Cloud.Calls.All[^1].InstanceId);
    }

    [Fact]
    public async Task Revoked_keys_are_invalid_at_once_and_the_metadata_service_has_new_ones()
    {
        await using var test = await StartAsync();
        const string path = "/latest/meta-data/ram/security-credentials/FlannelRole";
        var old = JsonNode.Parse(await test.GetMetadataAsync("i-1", path))!;
        test.Cloud.Console.RevokeSessions("FlannelRole");
        using var client = test.Client((string)old["AccessKeyId"]!, (string)old["AccessKeySecret"]!, (string)old["SecurityToken"]!);
        (await client.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(404, "InvalidAccessKeyId.NotFound");
        Assert.NotEqual((string?)old["AccessKeyId"], (string?)JsonNode.Parse(await test.GetMetadataAsync("i-1", path))!["AccessKeyId"]);
    }

    [Fact]
    public async Task Permanent_keys_are_added_removed_and_disabled()
    {
        await using var test = await StartAsync();
        test.Cloud.Console.SetInactive(Clouds.KeyId, true);
        (await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(400, "InvalidAccessKeyId.Inactive");
        test.Cloud.Console.SetInactive(Clouds.KeyId, false);
        (await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
        test.Cloud.Console.DeleteAccessKey(Clouds.KeyId);
        (await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustFail(404, "InvalidAccessKeyId.NotFound");
        test.Cloud.Console.SetAccessKey(new AccessKeySetup { Id = Clouds.KeyId, Secret = Clouds.Secret });
        (await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(890, null)]
    [InlineData(910, "InvalidTimeStamp.Expired")]
    [InlineData(-910, "InvalidTimeStamp.Expired")]
    public async Task A_skewed_clock_is_in_every_response_and_rejects_beyond_15_minutes(int seconds, string? code)
    {
        await using var test = await StartAsync();
        test.Cloud.Console.Settings = test.Cloud.Console.Settings with { ClockSkewSeconds = seconds };
        var reply = await test.Vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"));
        Assert.Equal((code, test.Clock.GetUtcNow().AddSeconds(seconds)), (reply.ErrorCode, reply.Headers.Date));
    }

    [Fact]
    public async Task A_valid_OIDC_token_returns_a_key_until_it_is_replaced()
    {
        await using var test = await StartAsync();
        var reply = await OidcAsync(test, "token-1");
        reply.MustSucceed();
        var key = reply.Body["Credentials"]!;
        using var vpc = test.Client((string)key["AccessKeyId"]!, (string)key["AccessKeySecret"]!, (string)key["SecurityToken"]!);
        (await vpc.CallAsync("DescribeVpcs", ("RegionId", "cn-hangzhou"))).MustSucceed();
        test.Cloud.Console.SetOidcTokens("cluster", ["token-2"]);
        (await OidcAsync(test, "token-1")).MustFail(400, "AuthenticationFail.OIDCToken.Expired");
        (await OidcAsync(test, "token-2")).MustSucceed();
        Assert.DoesNotContain("token-", string.Concat(test.Cloud.Calls.All.SelectMany(c => c.Parameters.Values)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_OIDC_requests_are_rejected()
    {
        await using var test = await StartAsync();
        (await OidcAsync(test, "forged")).MustFail(400, "AuthenticationFail.OIDCToken.Invalid");
        (await OidcAsync(test, "token-1", form: f => f["OIDCProviderArn"] = "acs:ram::1:oidc-provider/x")).MustFail(
            403, "AuthenticationFail.NoPermission");
        (await OidcAsync(test, "token-1", form: f => f["RoleArn"] = "acs:ram::1234567890123456:role/OtherRole")).MustFail(
            403, "AuthenticationFail.NoPermission");
        (await OidcAsync(test, "token-1", form: f => f["RoleArn"] = "acs:ram::1234567890123456:role/None")).MustFail(
            404, "EntityNotExist.Role");
        (await OidcAsync(test, "token-1", form: f => f.Remove("RoleSessionName"))).MustFail(400, "MissingParameter");
        (await OidcAsync(test, "token-1", query: q => q.Remove("Format"))).MustFail(400, "InvalidParameter");
        (await OidcAsync(test, "token-1", query: q => q["OIDCToken"] = "token-1")).MustFail(400, "InvalidParameter");
        (await OidcAsync(test, "token-1", query: q => q["Version"] = "2016-04-28")).MustFail(400, "InvalidVersion");
        (await OidcAsync(test, "token-1", query: q => q["Action"] = "AssumeRole")).MustFail(400, "IncompleteSignature");
        (await OidcAsync(test, "token-1", query: q => q["Timestamp"] = "2025-01-02T03:04:05Z")).MustFail(400, "InvalidTimeStamp.Expired");
        (await OidcAsync(test, "token-1", query: q => q["SignatureNonce"] = "same")).MustSucceed();
        (await OidcAsync(test, "token-1", query: q => q["SignatureNonce"] = "same")).MustFail(400, "SignatureNonceUsed");
    }

    private static Task<TestCloud> StartAsync() => TestCloud.StartAsync(w => w with
    {
        AccessKeys = [.. w.AccessKeys, new AccessKeySetup { Id = "LTAIdenied", Secret = Clouds.Secret, DeniedActions = ["sts:*"] }],
        Roles =
        [
            .. w.Roles,
            new RoleSetup { Name = "Router",
                TrustedBy = [Clouds.KeyId, "LTAIdenied", "cluster"], DeniedActions = ["vpc:DescribeRouteTable*"] },
            new RoleSetup { Name = "Strict", TrustedBy = [Clouds.KeyId], ExternalId = "right" },
            new RoleSetup { Name = "OtherAccount", TrustedBy = [Clouds.KeyId], AccountId = "999" },
        ],
        OidcProviders = [new OidcProviderSetup { Name = "cluster", Tokens = ["token-1"] }],
    });

    private static async Task<ApiReply> CallAsync(TestCloud test, string id, params (string, string)[] parameters)
    {
        using var sts = new SigningClient(test.Cloud.Api, test.Clock, id) { Version = "2015-04-01" };
        return await sts.CallAsync("AssumeRole", parameters);
    }

    private static async Task<ApiReply> OidcAsync(
        TestCloud test, string token, Action<Dictionary<string, string>>? query = null, Action<Dictionary<string, string>>? form = null)
    {
        Dictionary<string, string> common = new()
        {
            ["Action"] = "AssumeRoleWithOIDC",
            ["Version"] = "2015-04-01",
            ["Format"] = "JSON",
            ["Timestamp"] = test.Clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["SignatureNonce"] = Guid.NewGuid().ToString(),
        };
        Dictionary<string, string> own = new()
        {
            ["RoleArn"] = Arn,
            ["OIDCProviderArn"] = ProviderArn,
            ["OIDCToken"] = token,
            ["RoleSessionName"] = "test",
        };
        query?.Invoke(common);
        form?.Invoke(own);
        using var content = new FormUrlEncodedContent(own);
        var address = new Uri(test.Cloud.Api, "/?" + string.Join('&', common.Select(c => $"{c.Key}={Uri.EscapeDataString(c.Value)}")));
        using var response = await test.Http.PostAsync(address, content, Token);
        return new ApiReply((int)response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!, response.Headers);
    }
}
