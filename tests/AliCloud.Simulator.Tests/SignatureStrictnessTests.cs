namespace AliCloud.Simulator.Tests;

public sealed class SignatureStrictnessTests
{
    private static readonly (string, string)[] Region = [("RegionId", "cn-hangzhou")];

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task A_signed_call_succeeds_with_both_methods(string method)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock) { Method = new HttpMethod(method) };
        var reply = await client.CallAsync("DescribeVpcs", Region);
        reply.MustSucceed();
        Assert.Matches("^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$", (string?)reply.Body["RequestId"]);
    }

    [Fact]
    public async Task Special_characters_are_signed_alike_on_both_sides()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.Vpc.CallAsync("DescribeVpcs", [.. Region, ("VpcName", "a b+c*d~e/f=g&h%i:é中'()!")])).MustSucceed();
    }

    [Fact]
    public async Task A_wrong_secret_is_rejected_with_the_canonical_request()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = test.Client(Clouds.KeyId, "another secret");
        var reply = await client.CallAsync("DescribeVpcs", Region);
        reply.MustFail(400, "SignatureDoesNotMatch");
        Assert.Contains("x-acs-action:DescribeVpcs", (string?)reply.Body["Message"], StringComparison.Ordinal);
        Assert.All(["RequestId", "HostId", "Recommend"], name => Assert.NotNull(reply.Body[name]));
    }

    [Fact]
    public async Task A_change_after_signing_is_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        Action<HttpRequestMessage>[] changes =
        [
            r => r.RequestUri = new Uri(r.RequestUri!, "/?RegionId=cn-shanghai"),
            r => r.RequestUri = new Uri(r.RequestUri!, "/?RegionId=cn-hangzhou&PageSize=1"),
            r => r.Headers.TryAddWithoutValidation("x-acs-extra", "1"),
            r => r.Content = new StringContent("RegionId=cn-hangzhou"),
            r => r.Content = new ByteArrayContent([]) { Headers = { ContentType = new("application/json") } },
            r =>
            {
                r.Headers.Remove("x-acs-action");
                r.Headers.Add("x-acs-action", "DescribeVSwitches");
            },
        ];
        foreach (var change in changes)
        {
            using var client = new SigningClient(test.Cloud.Api, test.Clock) { AfterSigning = change };
            (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureDoesNotMatch");
        }
    }

    [Fact]
    public async Task An_unencoded_plus_is_a_space()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock)
        {
            AfterSigning = r => r.RequestUri = new Uri(r.RequestUri!.AbsoluteUri.Replace("%2B", "+", StringComparison.Ordinal)),
        };
        (await client.CallAsync("DescribeVpcs", [.. Region, ("VpcName", "a+b")])).MustFail(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task A_nonce_is_valid_once()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock) { Nonce = () => "always the same" };
        (await client.CallAsync("DescribeVpcs", Region)).MustSucceed();
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureNonceUsed");
        test.Clock.Advance(TimeSpan.FromMinutes(14));
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureNonceUsed");
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(900, null)]
    [InlineData(-900, null)]
    [InlineData(901, "InvalidTimeStamp.Expired")]
    [InlineData(-901, "InvalidTimeStamp.Expired")]
    public async Task A_clock_may_differ_by_fifteen_minutes(int seconds, string? code)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock) { ClockError = TimeSpan.FromSeconds(seconds) };
        Assert.Equal(code, (await client.CallAsync("DescribeVpcs", Region)).ErrorCode);
    }

    [Theory]
    [InlineData("2026-01-02 03:04:05Z")]
    [InlineData("2026-01-02T03:04:05+00:00")]
    [InlineData("Fri, 02 Jan 2026 03:04:05 GMT")]
    public async Task A_date_in_another_format_is_rejected(string date)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock) { BeforeSigning = h => h["x-acs-date"] = date };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "IllegalTimestamp");
    }

    [Theory]
    [InlineData("x-acs-action")]
    [InlineData("x-acs-version")]
    [InlineData("x-acs-date")]
    [InlineData("x-acs-signature-nonce")]
    [InlineData("x-acs-content-sha256")]
    public async Task Every_header_of_the_protocol_is_mandatory(string header)
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock) { BeforeSigning = h => h.Remove(header) };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "MissingParameter");
    }

    [Fact]
    public async Task Headers_that_are_not_signed_are_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        using var client = new SigningClient(test.Cloud.Api, test.Clock)
        {
            BeforeSigning = h => h.Remove("host"), // a correct signature of too few headers
        };
        (await client.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureDoesNotMatch");
    }

    [Fact]
    public async Task A_current_action_with_the_older_signature_is_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        using var response = await test.Http.GetAsync(
            new Uri(test.Cloud.Api,
                "/?Action=DescribeVpcs&Version=2016-04-28&AccessKeyId=LTAItest&SignatureMethod=HMAC-SHA1&Signature=x&RegionId=cn-hangzhou"),
            TestContext.Current.CancellationToken);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("IncompleteSignature", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_and_inactive_keys_have_different_errors()
    {
        await using var test = await TestCloud.StartAsync();
        using var unknown = test.Client("LTAInobody");
        using var inactive = test.Client("LTAIoff");
        using var mismatched = test.Client(Clouds.KeyId, token: "a token for a permanent key");
        (await unknown.CallAsync("DescribeVpcs", Region)).MustFail(404, "InvalidAccessKeyId.NotFound");
        (await inactive.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidAccessKeyId.Inactive");
        (await mismatched.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidSecurityToken.MismatchWithAccessKey");
    }
}
