using AliCloud.Simulator.Api;

namespace AliCloud.Simulator.Tests;

/// <summary>The older signature, which the simulator accepts for the deprecated ECS actions of VPC routes only.</summary>
public sealed class RpcSignatureTests
{
    private static readonly (string, string)[] Region = [("RegionId", "cn-hangzhou")];

    [Theory]
    [InlineData("GET", "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
        "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1"
        + "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0"
        + "&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26")]
    [InlineData("POST", "MxbnVAM4w6sft9xjVpe/GCKueuk=",
        "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1"
        + "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0"
        + "&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26")]
    [InlineData("GET", "9NaGiOspFP5UPcwX8Iwt2YJXXuk=",
        "AccessKeyId=testid&Action=DescribeDedicatedHosts&Format=JSON&RegionId=cn-beijing&SignatureMethod=HMAC-SHA1"
        + "&SignatureNonce=edb2b34af0af9a6d14deaf7c1a5315eb&SignatureVersion=1.0"
        + "&Timestamp=2023-03-13T08%3A34%3A30Z&Version=2014-05-26")]
    public void The_published_example_is_computed(string method, string signature, string query) =>
        Assert.Equal(signature, RpcSignature.Compute("testsecret", RpcSignature.StringToSign(method, RawQuery.Parse(query)!)));

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task A_call_with_the_older_signature_succeeds_with_both_methods(string method)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock) { Method = new HttpMethod(method) };
        (await client.CallAsync("DescribeVpcs", Region)).MustSucceed();
        (await client.CallAsync("DescribeRouteTables", ("RouteTableName", "a b+c*d~e/f=g&h%i:é中'()!"))).MustSucceed();
    }

    [Fact]
    public async Task The_call_log_has_the_action_and_its_parameters_without_the_common_ones()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock);
        await client.CallAsync("DescribeVpcs", Region);
        var call = Assert.Single(test.Cloud.Calls.After(0));
        Assert.Equal(("ecs", "DescribeVpcs", Clouds.KeyId), (call.Service, call.Action, call.AccessKeyId));
        Assert.Equal(["RegionId"], call.Parameters.Keys);
    }

    [Theory]
    [InlineData("Action=DescribeVpcs", "Action=DescribeVRouters")]
    [InlineData("RegionId=cn-hangzhou", "RegionId=cn-shanghai")]
    [InlineData("RegionId=cn-hangzhou", "RegionId=cn-hangzhou&PageSize=1")]
    [InlineData("Signature=", "Signature=A")]
    public async Task A_change_after_signing_is_rejected(string before, string after)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock)
        {
            AfterSigning = query => query.Replace(before, after, StringComparison.Ordinal),
        };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task A_wrong_secret_and_unknown_or_inactive_keys_are_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        using var wrong = new RpcSigningClient(test.Cloud.Api, test.Clock, secret: "another secret");
        using var unknown = new RpcSigningClient(test.Cloud.Api, test.Clock, "LTAInobody");
        using var inactive = new RpcSigningClient(test.Cloud.Api, test.Clock, "LTAIoff");
        (await wrong.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureDoesNotMatch");
        (await unknown.CallAsync("DescribeVpcs", Region)).MustFail(404, "InvalidAccessKeyId.NotFound");
        (await inactive.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidAccessKeyId.Inactive");
    }

    [Theory]
    [InlineData("SignatureMethod", null, "MissingParameter")]
    [InlineData("SignatureMethod", "HMAC-SHA256", "InvalidParameter")]
    [InlineData("SignatureVersion", null, "MissingParameter")]
    [InlineData("SignatureVersion", "2.0", "InvalidParameter")]
    [InlineData("AccessKeyId", null, "MissingParameter")]
    [InlineData("SignatureNonce", null, "MissingParameter")]
    [InlineData("Timestamp", null, "MissingParameter")]
    [InlineData("Timestamp", "2026-01-02 03:04:05Z", "IllegalTimestamp")]
    [InlineData("Timestamp", "2026-01-02T03:19:06Z", "InvalidTimeStamp.Expired")]
    [InlineData("Format", null, "InvalidParameter")]
    [InlineData("Format", "XML", "InvalidParameter")]
    [InlineData("regionId", "cn-hangzhou", "InvalidParameter")]
    public async Task Each_common_parameter_is_checked(string name, string? value, string code)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock)
        {
            BeforeSigning = query =>
            {
                query.Remove(name);
                if (value is not null) query[name] = value;
            },
        };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, code);
    }

    [Fact]
    public async Task A_nonce_is_valid_once()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock)
        {
            BeforeSigning = query => query["SignatureNonce"] = "always the same",
        };
        (await client.CallAsync("DescribeVpcs", Region)).MustSucceed();
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureNonceUsed");
    }

    [Fact]
    public async Task A_body_is_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        using var content = new StringContent("PageSize=1");
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock) { Method = HttpMethod.Post, Content = content };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidParameter");
    }

    [Theory]
    [InlineData("2016-04-28", "DescribeVpcs")]
    [InlineData("2016-04-28", "CreateRouteEntry")]
    [InlineData("2014-05-26", "DescribeNetworkInterfaces")]
    [InlineData("2015-04-01", "AssumeRole")]
    public async Task Other_actions_require_the_present_signature(string version, string action)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new RpcSigningClient(test.Cloud.Api, test.Clock) { BeforeSigning = query => query["Version"] = version };
        (await client.CallAsync(action, Region)).MustFail(400, "IncompleteSignature");
    }
}
