using System.Net;
using Flannel.AliVpc.Api;
using Flannel.AliVpc.Metadata;
using Flannel.AliVpc.Tests.Support;

namespace Flannel.AliVpc.Tests;

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
            Assert.IsType<MetadataAnswer.Found>(await cloud.Metadata("i-1").GetAsync("meta-data/instance-id", TestContext.Current.CancellationToken));
            var answer = await cloud.Api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", TestContext.Current.CancellationToken);
            Assert.Equal((CloudErrorKind.Retry, "<connect>"), (answer.Error!.Kind, answer.Error.Code));
            Assert.Equal(0, cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute"));
        }
        finally
        {
            HttpClient.DefaultProxy = before;
        }
    }
}
