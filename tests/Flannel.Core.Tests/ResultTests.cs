namespace Flannel.Core.Tests;

public class ResultTests
{
    [Fact]
    public void A_value_is_a_success()
    {
        Result<int> result = 5;
        Assert.True(result.Ok);
        Assert.Null(result.Error);
        Assert.Equal(5, result.Value);
        Assert.Equal("5", result.ToString());
    }

    [Fact]
    public void A_failure_has_an_error_and_no_value()
    {
        Result<int> result = Result.Failure("no number");
        Assert.False(result.Ok);
        Assert.Equal("no number", result.Error);
        Assert.Equal("no value: no number", Assert.Throws<InvalidOperationException>(() => result.Value).Message);
        Assert.Equal("failure: no number", result.ToString());
    }

    [Fact]
    public void Select_changes_the_value_and_keeps_a_failure()
    {
        Result<int> success = 5;
        Result<int> failure = Result.Failure("no number");
        Assert.Equal("6", success.Select(number => $"{number + 1}").Value);
        Assert.Equal("no number", failure.Select(number => $"{number + 1}").Error);
    }

    [Fact]
    public void An_error_prefix_changes_a_failure_only()
    {
        Result<int> success = 5;
        Result<int> failure = Result.Failure("no number");
        Assert.Same(success, success.WithErrorPrefix("--wait: "));
        Assert.Equal("--wait: no number", failure.WithErrorPrefix("--wait: ").Error);
    }
}
