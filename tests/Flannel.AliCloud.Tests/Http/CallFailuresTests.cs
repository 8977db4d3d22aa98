using Flannel.AliCloud.Http;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Tests.Http;

public sealed class CallFailuresTests
{
    private const string Action = "vpc:DescribeRouteEntryList";

    private readonly CallFailures failures = new();

    [Theory]
    [InlineData(CloudErrorKind.Retry)]
    [InlineData(CloudErrorKind.Reread)]
    [InlineData(CloudErrorKind.RefreshCredentials)]
    [InlineData(CloudErrorKind.Unknown)]
    public void A_failure_that_the_first_retry_settles_is_no_warning_and_the_next_in_a_row_are(CloudErrorKind kind)
    {
        Assert.Equal(LogLevel.Debug, failures.Failed(Action, kind));
        Assert.Equal(LogLevel.Warning, failures.Failed(Action, kind));
        Assert.Equal(LogLevel.Warning, failures.Failed(Action, kind));
        failures.Succeeded(Action);
        Assert.Equal(LogLevel.Debug, failures.Failed(Action, kind));
    }

    [Fact]
    public void Another_action_is_counted_by_itself()
    {
        failures.Failed(Action, CloudErrorKind.Retry);
        Assert.Equal(LogLevel.Debug, failures.Failed("ecs:DescribeNetworkInterfaces", CloudErrorKind.Retry));
    }

    [Theory]
    [InlineData(CloudErrorKind.Denied)]
    [InlineData(CloudErrorKind.Quota)]
    [InlineData(CloudErrorKind.AlreadyDone)]
    [InlineData(CloudErrorKind.Fatal)]
    public void A_response_that_the_caller_reports_is_no_warning(CloudErrorKind kind)
    {
        failures.Failed(Action, kind);
        Assert.Equal(LogLevel.Debug, failures.Failed(Action, kind));
    }
}
