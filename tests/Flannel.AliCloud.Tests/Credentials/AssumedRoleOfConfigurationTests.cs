using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Credentials;

/// <summary><c>RoleArn</c> of the network config: the key of the chain assumes a role, such as one of the account that owns the
/// VPC.</summary>
public class AssumedRoleOfConfigurationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_role_of_the_instance_assumes_the_configured_role()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role(RouterArn, "routes"));
        Assert.True((await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal($"RAM role {RouterArn} with the key of RAM role FlannelRole", chain.Provider);
        var call = Assert.Single(cloud.Cloud.Calls.All, c => c.Service == "sts");
        Assert.Equal(("AssumeRole", RouterArn, "routes", "3600"),
            (call.Action, call.Parameters["RoleArn"], call.Parameters["RoleSessionName"], call.Parameters["DurationSeconds"]));
        Assert.NotEqual(call.AccessKeyId, cloud.Cloud.Calls.All.Single(c => c.Service == "vpc").AccessKeyId);
        Assert.Equal(1, cloud.Logger.Count(3200));
    }

    [Fact]
    public async Task The_role_is_assumed_again_before_its_expiration_and_after_a_revocation()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role(RouterArn));
        var api = cloud.ApiWith(chain);
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        cloud.Clock.Advance(TimeSpan.FromMinutes(46));
        await Eventually.Is(() => cloud.Cloud.Calls.Count("sts", "AssumeRole") == 2);
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        cloud.Cloud.Console.RevokeSessions("Router");
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal(3, cloud.Cloud.Calls.Count("sts", "AssumeRole"));
        Assert.Equal([200, 200, 404, 200], cloud.Cloud.Calls.All.Where(c => c.Service == "vpc").Select(c => c.Status));
        Assert.Equal(1, cloud.Logger.Count(3200));
    }

    [Fact]
    public async Task An_expired_key_of_the_instance_is_replaced_to_assume_the_role()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role(RouterArn));
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
        cloud.Cloud.Console.RevokeSessions("FlannelRole");
        cloud.Cloud.Console.RevokeSessions("Router");
        Assert.True((await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
    }

    [Fact]
    public async Task A_missing_permission_to_assume_the_role_is_named()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role("acs:ram::1234567890123456:role/OtherRole"));
        var failed = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        Assert.Contains("sts:AssumeRole failed: NoPermission", failed.Reason, StringComparison.Ordinal);
        var statuses = await chain.ExplainAsync(Token);
        Assert.Equal(new MissingRamAction("sts:AssumeRole", "acs:ram::1234567890123456:role/OtherRole"), statuses[^1].Denied);
        Assert.Contains(statuses, l => l is { State: CredentialProviderState.Used, Name: "RAM role FlannelRole", Denied: null });
    }

    [Theory]
    [InlineData("external-1", true)]
    [InlineData("external-2", false)]
    public async Task The_external_id_must_match(string given, bool served)
    {
        await using var cloud = await StartAsync(
            w => w with { Roles = [.. w.Roles.Select(r => r.Name == "Router" ? r with { ExternalId = "external-1" } : r)] });
        var answer = await Chain(cloud, "i-1", Role(RouterArn, externalId: given)).GetAsync(Token);
        Assert.Equal(served, answer is CredentialResult.Found);
    }

    [Fact]
    public async Task An_invalid_STS_region_is_named_and_no_request_is_sent()
    {
        await using var cloud = await StartAsync();
        Dictionary<string, string> environment = new() { ["ALIBABA_CLOUD_STS_REGION"] = "Hangzhou/x" };
        var context = Contexts.Create(time: cloud.Clock, logger: cloud.Logger);
        var chain = cloud.Keep(CredentialChain.Create(
            null, Role(RouterArn), environment.GetValueOrDefault, cloud.Metadata("i-1"), context));
        var failed = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        Assert.Contains("'Hangzhou/x' is not a region id", failed.Reason, StringComparison.Ordinal);
    }

    private static ConfiguredCredentials Role(string arn, string? sessionName = null, string? externalId = null) => new(
        null, null, AssumedRole.Create(new AssumedRoleOptions { Arn = arn, SessionName = sessionName, ExternalId = externalId }).Value);

    private static CredentialChain Chain(TestCloud cloud, string instance, ConfiguredCredentials role) =>
        cloud.Chain(instance, backend: role);
}
