using System.Text.Json;
using AliCloud.Simulator.Api;
using AliCloud.Simulator.State;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Credentials;

/// <summary><c>RoleArn</c> of the network config: the key that the chain finds assumes a role, such as one of the account whose VPC it is.</summary>
public class AssumedRoleOfConfigurationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_instances_role_assumes_it_and_the_API_sees_that_one_alone()
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
    public async Task It_is_assumed_anew_ahead_of_its_end_and_at_once_when_its_session_is_revoked()
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
        Assert.Equal(1, cloud.Logger.Count(3200)); // who won is said once
    }

    [Fact]
    public async Task A_dead_key_of_the_instance_is_replaced_before_the_role_is_given_up()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role(RouterArn));
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
        cloud.Cloud.Console.RevokeSessions("FlannelRole");
        cloud.Cloud.Console.RevokeSessions("Router");
        Assert.True((await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
    }

    [Fact]
    public async Task Who_may_not_assume_it_is_told_which_right_on_which_role_is_missing()
    {
        await using var cloud = await StartAsync();
        var chain = Chain(cloud, "i-1", Role("acs:ram::1234567890123456:role/OtherRole"));
        var failed = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        Assert.Contains("sts:AssumeRole failed: NoPermission", failed.Line, StringComparison.Ordinal);
        var links = await chain.ExplainAsync(Token);
        Assert.Equal(new DeniedRight("sts:AssumeRole", "acs:ram::1234567890123456:role/OtherRole"), links[^1].Denied);
        Assert.Contains(links, l => l is { State: CredentialLinkState.Served, Name: "RAM role FlannelRole", Denied: null });
    }

    [Theory]
    [InlineData("external-1", true)]
    [InlineData("external-2", false)]
    public async Task A_stranger_does_not_know_the_external_id(string given, bool served)
    {
        await using var cloud = await StartAsync(w => w with { Roles = [.. w.Roles.Select(r => r.Name == "Router" ? r with { ExternalId = "external-1" } : r)] });
        var answer = await Chain(cloud, "i-1", Role(RouterArn, externalId: given)).GetAsync(Token);
        Assert.Equal(served, answer is CredentialResult.Found);
    }

    [Fact]
    public async Task A_region_of_STS_that_is_none_is_named_and_nothing_is_asked()
    {
        await using var cloud = await StartAsync();
        Dictionary<string, string> environment = new() { ["ALIBABA_CLOUD_STS_REGION"] = "Hangzhou/x" };
        var chain = cloud.Keep(CredentialChain.Create(
            null, Role(RouterArn), environment.GetValueOrDefault, cloud.Metadata("i-1"), cloud.Clock, new Random(1), cloud.Logger));
        var failed = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        Assert.Contains("'Hangzhou/x' is not the name of a region", failed.Line, StringComparison.Ordinal);
    }

    private static ConfiguredCredentials Role(string arn, string? sessionName = null, string? externalId = null) => new(
        null, null, AssumedRole.Create(arn, sessionName, externalId, null, null, null, out var error) ?? throw new InvalidOperationException(error));

    private static CredentialChain Chain(TestCloud cloud, string instance, ConfiguredCredentials role) => cloud.Chain(instance, backend: role);
}
