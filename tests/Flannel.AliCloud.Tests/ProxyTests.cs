using System.Net;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests;

/// <summary>The proxy is a setting of the whole process: these tests run alone.</summary>
[CollectionDefinition(nameof(ProxyTests), DisableParallelization = true)]
public class ProxyTestsRunAlone;

[Collection(nameof(ProxyTests))]
public class ProxyTests
{
    [Fact]
    public async Task A_proxy_is_used_for_the_API_and_never_for_the_metadata_service()
    {
        await using var cloud = await TestCloud.StartAsync();
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy("http://127.0.0.1:1"); // nothing listens there
        try
        {
            Assert.IsType<MetadataResult.Found>(
                await cloud.Metadata("i-1").GetAsync("meta-data/instance-id", TestContext.Current.CancellationToken));
            var answer = await cloud.Api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", TestContext.Current.CancellationToken);
            Assert.Equal((CloudErrorKind.Retry, "<connect>"), (answer.Error!.Kind, answer.Error.Code));
            Assert.Equal(0, cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute"));
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }

    [Fact]
    public async Task The_password_of_a_proxy_is_in_no_message()
    {
        await using var proxy = await MetadataStub.StartAsync((_, _, n) => (n % 2 == 0 ? 407 : 502, ""));
        var address = new UriBuilder(proxy.Address) { UserName = "user", Password = "hIdDeN%20hIdDeN%2Fx" }.Uri;
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy(address);
        try
        {
            var logger = new RecordingLogger();
            var options = new CloudApiOptions { ProgramVersion = "t" };
            using var api = new CloudApi(Contexts.Create(options, logger: logger), StaticCredentials.Of("key", "secret"));
            var error = (await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", TestContext.Current.CancellationToken)).Error!;
            var shown = address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
            // A proxy that cannot resolve the internal name may resolve the public one.
            Assert.Equal((CloudErrorKind.Retry,
                $"https://vpc.cn-beijing.aliyuncs.com: the proxy {shown} rejects the connection (HTTP 502)"), (error.Kind, error.Message));

            var probe = await EndpointCheck.VpcAsync(options, "cn-beijing", TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.Equal($"https://vpc-vpc.cn-beijing.aliyuncs.com through the proxy {shown}", probe.Detail);

            var uri = new CredentialsUriProvider(_ => "https://keys.example.com/", Contexts.Create(options, logger: logger));
            var failed = Assert.IsType<ProviderResult.Failed>(await uri.FetchAsync(TestContext.Current.CancellationToken));
            Assert.Contains($"the proxy {shown} rejects the connection (HTTP 407)", failed.Reason, StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", string.Concat(logger.Lines.Select(l => l.Text)) + failed.Reason, StringComparison.Ordinal);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }

    [Fact]
    public async Task An_unavailable_proxy_is_named_without_its_password()
    {
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy(new Uri("http://user:hIdDeN@127.0.0.1:1"));
        try
        {
            var options = new CloudApiOptions { ProgramVersion = "t", VpcEndpoint = CloudEndpoint.Parse("https://vpc.example.com").Value };
            using var api = new CloudApi(Contexts.Create(options), StaticCredentials.Of("key", "secret"));
            var error = (await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", TestContext.Current.CancellationToken)).Error!;
            Assert.StartsWith("https://vpc.example.com: the proxy http://127.0.0.1:1 is unavailable: ", error.Message,
                StringComparison.Ordinal);
            var probe = await EndpointCheck.VpcAsync(options, "cn-beijing", TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.False(probe.IsReachable);
            Assert.StartsWith("https://vpc.example.com: the proxy http://127.0.0.1:1 is unavailable: ", probe.Detail,
                StringComparison.Ordinal);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }
}
