using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Observability;

public sealed class LogLevelsTests
{
    [Theory]
    [InlineData(0, LogLevel.Information, LogLevel.Information)]
    [InlineData(1, LogLevel.Debug, LogLevel.Information)]
    [InlineData(2, LogLevel.Debug, LogLevel.Debug)]
    [InlineData(3, LogLevel.Debug, LogLevel.Debug)]
    [InlineData(4, LogLevel.Trace, LogLevel.Trace)]
    [InlineData(10, LogLevel.Trace, LogLevel.Trace)]
    public void A_higher_level_adds_details_then_plans_then_calls(int verbosity, LogLevel lowest, LogLevel lowestOfPlans)
    {
        using var factory = Create(new LogLevels(verbosity, isCommand: false));
        AssertLowest(factory.CreateLogger("etcd"), lowest);
        AssertLowest(factory.CreateLogger(LogLevels.PlanCategory), lowestOfPlans);
    }

    [Fact]
    public void A_command_logs_warnings_only()
    {
        using var factory = Create(new LogLevels(0, isCommand: true));
        AssertLowest(factory.CreateLogger("etcd"), LogLevel.Warning);
    }

    [Fact]
    public void A_changed_level_applies_to_loggers_that_exist()
    {
        var levels = new LogLevels(0, isCommand: false);
        using var factory = Create(levels);
        var logger = factory.CreateLogger("etcd");
        levels.Verbosity = 4;
        AssertLowest(logger, LogLevel.Trace);
        levels.Verbosity = 0;
        AssertLowest(logger, LogLevel.Information);
    }

    private static LineLoggers Create(LogLevels levels) => new(levels, _ => { });

    private static void AssertLowest(ILogger logger, LogLevel lowest)
    {
        Assert.True(logger.IsEnabled(lowest));
        if (lowest > LogLevel.Trace) Assert.False(logger.IsEnabled(lowest - 1));
    }
}
