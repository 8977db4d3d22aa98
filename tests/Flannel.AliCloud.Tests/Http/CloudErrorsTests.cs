using AliCloud.Simulator.State;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Http;

public class CloudErrorsTests
{
    [Theory]
    [InlineData(true, "Denied")]
    [InlineData(false, "Retry")]
    public void A_page_instead_of_an_answer_is_judged_by_its_status(bool isForbidden, string kind)
    {
        var status = isForbidden ? System.Net.HttpStatusCode.Forbidden : System.Net.HttpStatusCode.TooManyRequests;
        var error = CloudErrors.OfStatus(CloudCall.Read(CloudService.Vpc, "X", "cn-hangzhou"), status, null, TimeSpan.FromSeconds(3));
        Assert.Equal((kind, (int)status, TimeSpan.FromSeconds(3)), (error.Kind.ToString(), error.HttpStatus, error.RetryAfter!.Value));
        Assert.Null(error.DeniedAction); // RAM has said nothing
        Assert.Equal(!isForbidden, error.IsThrottling);
    }

    [Fact]
    public void A_message_is_one_bounded_line()
    {
        Assert.Equal("a  b", CloudErrors.Line("a\r\nb\u2028", 10));
        Assert.Equal(10, CloudErrors.Line(new string('x', 50), 10).Length);
    }
}
