using System.Net;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Tests.Support;

namespace Flannel.AliCloud.Tests;

/// <summary>The process's proxy is one for all, so these run alone.</summary>
[CollectionDefinition(nameof(ProxyTests), DisableParallelization = true)]
public class ProxyTestsRunAlone;

[Collection(nameof(ProxyTests))]
public class ProxyTests
{
    [Fact]
    public async Task A_proxy_is_asked_for_the_API_and_never_for_the_metadata()
    {
        await using var cloud = await TestCloud.StartAsync();
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy("http://127.0.0.1:1"); // nothing listens there
        try
        {
            Assert.IsType<MetadataResult.Found>(await cloud.Metadata("i-1").GetAsync("meta-data/instance-id", TestContext.Current.CancellationToken));
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
    public async Task The_password_of_a_proxy_is_in_no_line_however_the_proxy_refuses()
    {
        await using var proxy = await MetadataStub.StartAsync((_, _, n) => (n % 2 == 0 ? 407 : 502, ""));
        var address = new UriBuilder(proxy.Address) { UserName = "user", Password = "hIdDeN%20hIdDeN%2Fx" }.Uri;
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy(address);
        try
        {
            var logger = new RecordingLogger();
            var options = new CloudApiOptions { ProgramVersion = "t" };
            using var api = new CloudApi(options, StaticCredentials.Of("key", "secret"), TimeProvider.System, new Random(), logger);
            var error = (await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", TestContext.Current.CancellationToken)).Error!;
            var shown = address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
            // A proxy that does not know the internal name may know the public one.
            Assert.Equal((CloudErrorKind.Retry, $"https://vpc.cn-beijing.aliyuncs.com: the proxy {shown} opens no way to it (HTTP 502)"), (error.Kind, error.Message));

            var probe = await EndpointCheck.VpcAsync(options, "cn-beijing", TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.Equal($"https://vpc-vpc.cn-beijing.aliyuncs.com through the proxy {shown}", probe.Detail);

            var uri = new CredentialsUriProvider(
                _ => "https://keys.example.com/", options, new CloudClock(TimeProvider.System), TimeProvider.System, logger);
            var failed = Assert.IsType<ProviderResult.Failed>(await uri.FetchAsync(TestContext.Current.CancellationToken));
            Assert.Contains($"the proxy {shown} opens no way to it (HTTP 407)", failed.Line, StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", string.Concat(logger.Lines.Select(l => l.Text)) + failed.Line, StringComparison.Ordinal);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }

    [Fact]
    public async Task A_proxy_that_is_not_there_is_named_without_its_password()
    {
        var before = HttpClient.DefaultProxy;
        HttpClient.DefaultProxy = new WebProxy(new Uri("http://user:hIdDeN@127.0.0.1:1"));
        try
        {
            var options = new CloudApiOptions { ProgramVersion = "t", VpcEndpoint = CloudEndpoint.Parse("https://vpc.example.com", out _) };
            using var api = new CloudApi(options, StaticCredentials.Of("key", "secret"), TimeProvider.System, new Random(), new RecordingLogger());
            var error = (await api.DescribeVpcAttributeAsync("cn-beijing", "vpc-1", TestContext.Current.CancellationToken)).Error!;
            Assert.StartsWith("https://vpc.example.com: the proxy http://127.0.0.1:1 is not reached: ", error.Message, StringComparison.Ordinal);
            var probe = await EndpointCheck.VpcAsync(options, "cn-beijing", TimeProvider.System, TestContext.Current.CancellationToken);
            Assert.False(probe.IsOpen);
            Assert.StartsWith("https://vpc.example.com: the proxy http://127.0.0.1:1 is not reached: ", probe.Detail, StringComparison.Ordinal);
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }
}
