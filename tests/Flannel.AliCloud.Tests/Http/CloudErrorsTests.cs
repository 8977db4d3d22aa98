using System.Net;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Http;

public class CloudErrorsTests
{
    [Theory]
    [InlineData(HttpStatusCode.Unauthorized, "Denied", "HTTP401")]
    [InlineData(HttpStatusCode.Forbidden, "Denied", "HTTP403")]
    [InlineData(HttpStatusCode.TooManyRequests, "Retry", "HTTP429")]
    public void A_response_without_a_code_is_classified_by_its_status(HttpStatusCode status, string kind, string code)
    {
        var error = CloudErrors.FromStatus(CloudCall.Read(CloudService.Vpc, "X", "cn-hangzhou"), status, null, TimeSpan.FromSeconds(3));
        Assert.Equal((kind, code, (int)status, TimeSpan.FromSeconds(3)),
            (error.Kind.ToString(), error.Code, error.HttpStatus, error.RetryAfter!.Value));
        Assert.Null(error.DeniedAction);
        Assert.Equal(status != HttpStatusCode.TooManyRequests, error.IsProxyRejection);
        Assert.Equal(status == HttpStatusCode.TooManyRequests, error.IsThrottling);
    }

    [Fact]
    public void A_message_is_one_line_of_limited_length()
    {
        Assert.Equal("a  b", CloudErrors.OneLine("a\r\nb\u2028", 10));
        Assert.Equal(10, CloudErrors.OneLine(new string('x', 50), 10).Length);
    }
}
