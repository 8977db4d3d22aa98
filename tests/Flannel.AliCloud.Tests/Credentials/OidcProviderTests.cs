using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Credentials;

/// <summary>RRSA: the service account of a pod assumes a role, with the STS of the simulator.</summary>
public sealed class OidcProviderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_token_of_a_service_account_supplies_a_key_that_the_API_accepts()
    {
        await using var cloud = await StartAsync();
        var chain = cloud.Chain("i-3", Environment(OidcToken + "\n", ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "node-3")));
        Assert.True((await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.Equal($"RAM role {RouterArn} with an OIDC token", chain.Provider);
        var call = Assert.Single(cloud.Cloud.Calls.All, c => c.Service == "sts");
        Assert.Equal(("AssumeRoleWithOIDC", "node-3", "3600", null),
            (call.Action, call.Parameters["RoleSessionName"], call.Parameters["DurationSeconds"],
            call.AccessKeyId is "" ? null : call.AccessKeyId));
        Assert.DoesNotContain(cloud.Cloud.Calls.All, c => c.Service == "metadata");
    }

    [Fact]
    public async Task The_token_is_read_again_for_every_key()
    {
        await using var cloud = await StartAsync();
        var environment = Environment(OidcToken);
        var api = cloud.ApiWith(cloud.Chain("i-3", environment));
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        cloud.Cloud.Console.SetOidcTokens("cluster", ["token-2"]);
        folder.Write("token", "token-2");
        cloud.Clock.Advance(TimeSpan.FromMinutes(61));
        Assert.True((await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        Assert.True(cloud.Cloud.Calls.Count("sts", "AssumeRoleWithOIDC") >= 2);
    }

    [Theory]
    [InlineData("ALIBABA_CLOUD_OIDC_TOKEN_FILE")]
    [InlineData("ALIBABA_CLOUD_OIDC_PROVIDER_ARN")]
    [InlineData("ALIBABA_CLOUD_ROLE_ARN")]
    public async Task Without_one_of_its_three_variables_it_is_not_configured(string missing)
    {
        await using var cloud = await StartAsync();
        var environment = Environment(OidcToken);
        environment.Remove(missing);
        var chain = cloud.Chain("i-1", environment);
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
        Assert.Equal("RAM role FlannelRole", chain.Provider);
        var status = Assert.Single(await chain.ExplainAsync(Token), l => l.Name == "OIDC token");
        Assert.Equal((CredentialProviderState.NotConfigured, $"{missing} is not set"), (status.State, status.Detail));
    }

    [Theory]
    [InlineData("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::9876543210987654:role/Missing", "EntityNotExist.Role")]
    [InlineData("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1234567890123456:role/FlannelRole", "AuthenticationFail.NoPermission")]
    [InlineData("ALIBABA_CLOUD_ROLE_ARN", "hIdDeN", "the role must be an ARN")]
    [InlineData("ALIBABA_CLOUD_ROLE_SESSION_NAME", "hIdDeN with blanks", "session name")]
    [InlineData("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1234567890123456:oidc-provider/none", "AuthenticationFail.NoPermission")]
    [InlineData("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "hIdDeN ä", "must be an ARN")]
    [InlineData("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/nonexistent/token", "does not exist")]
    [InlineData("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "hIdDeN", "OIDC token file (not shown: ")]
    [InlineData("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "/hIdDeN\nhIdDeN", "OIDC token file (not shown: ")]
    [InlineData("token", "hIdDeN", "AuthenticationFail.OIDCToken.Invalid")]
    [InlineData("token", "hIdDeN hIdDeN", "does not contain a token")]
    [InlineData("token", "", "does not contain a token")]
    public async Task A_failed_OIDC_provider_ends_the_chain_with_a_reason(string name, string value, string why)
    {
        await using var cloud = await StartAsync();
        var environment = Environment(name == "token" ? value : OidcToken, (name, value));
        var failed = Assert.IsType<CredentialResult.Failed>(await cloud.Chain("i-1", environment).GetAsync(Token));
        Assert.Contains(why, failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", failed.Reason + string.Concat(cloud.Logger.Lines.Select(l => l.Text)), StringComparison.Ordinal);
        if (why.Contains('.', StringComparison.Ordinal)) Assert.Contains(
            $"(request {cloud.Cloud.Calls.All[^1].RequestId})", failed.Reason, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Environment(string token, params (string Name, string Value)[] more)
    {
        Dictionary<string, string> variables = new()
        {
            ["ALIBABA_CLOUD_ROLE_ARN"] = RouterArn,
            ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = ProviderArn,
            ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = folder.Write("token", token),
        };
        foreach (var (name, value) in more) variables[name] = value;
        return variables;
    }
}
