using CsCheck;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests.Credentials;

public class RamRoleProviderTests
{
    private const string ListCall = "GET /latest/meta-data/ram/security-credentials/";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("i-1")]
    [InlineData("i-2")] // hardened metadata
    public async Task The_role_of_the_instance_supplies_a_key_that_the_API_accepts(string instance)
    {
        await using var cloud = await TestCloud.StartAsync();
        var provider = Provider(cloud, instance);
        var found = Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(Token));
        Assert.Equal("RAM role FlannelRole", provider.Name);
        Assert.Equal(cloud.Clock.GetUtcNow().AddHours(6), found.Key.Expiration);
        var api = cloud.ApiWith(new StaticCredentials(found.Key));
        Assert.True((await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token)).Ok);
        Assert.Equal(instance, cloud.Cloud.Calls.All.Last(c => c.Service == "vpc").InstanceId);
    }

    [Fact]
    public async Task The_last_role_is_not_listed_again_and_a_new_one_is_found()
    {
        await using var cloud = await TestCloud.StartAsync();
        var provider = Provider(cloud, "i-1");
        await provider.FetchAsync(Token);
        await provider.FetchAsync(Token);
        Assert.Equal(1, cloud.Cloud.Calls.Count("metadata", ListCall));
        cloud.Cloud.Console.SetRamRole("i-1", "OtherRole");
        Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(Token));
        Assert.Equal("RAM role OtherRole", provider.Name);
    }

    [Fact]
    public async Task Without_a_role_it_is_not_configured_and_a_role_attached_later_is_found()
    {
        await using var cloud = await TestCloud.StartAsync();
        var provider = Provider(cloud, "i-3");
        Assert.Contains("no RAM role", Assert.IsType<ProviderResult.NotConfigured>(await provider.FetchAsync(Token)).Reason,
            StringComparison.Ordinal);
        cloud.Cloud.Console.SetRamRole("i-3", "FlannelRole");
        Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(Token));
    }

    [Fact]
    public async Task A_configured_role_is_not_listed()
    {
        await using var cloud = await TestCloud.StartAsync();
        var provider = Provider(cloud, "i-1", ("ALIBABA_CLOUD_ECS_METADATA", "FlannelRole"));
        Assert.IsType<ProviderResult.Found>(await provider.FetchAsync(Token));
        Assert.Equal(0, cloud.Cloud.Calls.Count("metadata", ListCall));
        Assert.IsType<ProviderResult.NotConfigured>(
            await Provider(cloud, "i-1", ("ALIBABA_CLOUD_ECS_METADATA", "OtherRole")).FetchAsync(Token));
        Assert.IsType<ProviderResult.Failed>(
            await Provider(cloud, "i-1", ("ALIBABA_CLOUD_ECS_METADATA", "../../user-data")).FetchAsync(Token));
    }

    [Fact]
    public async Task A_variable_disables_it()
    {
        await using var cloud = await TestCloud.StartAsync();
        Assert.IsType<ProviderResult.NotConfigured>(
            await Provider(cloud, "i-1", ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")).FetchAsync(Token));
        Assert.Empty(cloud.Cloud.Calls.All);
    }

    [Fact]
    public async Task An_unavailable_metadata_service_is_a_failure_and_not_a_missing_role()
    {
        await using var cloud = await TestCloud.StartAsync();
        var provider = Provider(cloud, "i-1");
        await cloud.Cloud.StopMetadataAsync();
        Assert.IsType<ProviderResult.Failed>(await provider.FetchAsync(Token));
    }

    [Theory]
    [InlineData(
        """{"Code":"Failed","AccessKeyId":"a","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"2030-01-01T00:00:00Z"}""")]
    [InlineData("""{"AccessKeyId":"a","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"2030-01-01T00:00:00Z"}""")]
    [InlineData("""{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN"}""")]
    [InlineData("""{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hIdDeN","Expiration":"2030-01-01T00:00:00Z"}""")]
    [InlineData("""{"Code":"Success","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"2030-01-01T00:00:00Z"}""")]
    [InlineData(
        """{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"2020-01-01T00:00:00Z"}""")]
    [InlineData(
        """{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hIdDeN","SecurityToken":"hIdDeN","Expiration":"tomorrow hIdDeN"}""")]
    [InlineData("<html>hIdDeN</html>")]
    [InlineData("null")]
    public void An_incomplete_response_is_rejected_and_not_quoted(string text)
    {
        var error = RamRoleProvider.Parse(text, "R", new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).Error!;
        Assert.DoesNotContain("hIdDeN", error, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_makes_it_throw() =>
        Gen.String.Sample(text => !RamRoleProvider.Parse(text, "R", default).Ok, seed: Seeds.Texts, iter: 2000);

    private static RamRoleProvider Provider(TestCloud cloud, string instance, params (string Name, string Value)[] variables) =>
        new(cloud.Metadata(instance), name => variables.FirstOrDefault(v => v.Name == name).Value, cloud.CloudTime);
}
