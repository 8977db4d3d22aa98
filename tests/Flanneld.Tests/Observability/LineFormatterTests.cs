using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Observability;

/// <summary>The forms of a log line other than JSON.</summary>
public sealed class LineFormatterTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero));

    [Theory]
    [InlineData(LogLevel.Trace, "trce", '7', "\e[37m")]
    [InlineData(LogLevel.Debug, "dbug", '7', "\e[37m")]
    [InlineData(LogLevel.Information, "info", '6', "\e[32m")]
    [InlineData(LogLevel.Warning, "warn", '4', "\e[1m\e[33m")]
    [InlineData(LogLevel.Error, "fail", '3', "\e[41m\e[30m")]
    [InlineData(LogLevel.Critical, "crit", '2', "\e[41m\e[1m\e[37m")]
    public void A_line_has_the_time_or_the_priority_of_the_journal_then_the_event_and_the_message(
        LogLevel level, string name, char priority, string color)
    {
        var line = Line("lease renewed") with { Level = level };
        Assert.Equal(
            $"2026-03-04T05:06:07.089Z {name}: etcd[2020] lease renewed\n", new TextLineFormatter(time, hasColors: false).Format(line));
        Assert.Equal(
            $"2026-03-04T05:06:07.089Z {color}{name}\e[0m: etcd[2020] lease renewed\n",
            new TextLineFormatter(time, hasColors: true).Format(line));
        Assert.Equal($"<{priority}>etcd[2020] lease renewed\n", new SystemdLineFormatter().Format(line));
    }

    [Theory]
    [InlineData("line\nbreak", "line?break")]
    [InlineData("\e[2J", "?[2J")]
    public void A_message_cannot_write_control_characters(string text, string shown)
    {
        Assert.Equal($"<4>etcd[2020] {shown}\n", new SystemdLineFormatter().Format(Line(text)));
        Assert.EndsWith($" {shown}\n", new TextLineFormatter(time, hasColors: false).Format(Line(text)), StringComparison.Ordinal);
    }

    [Fact]
    public void An_exception_follows_on_the_same_line()
    {
        var line = Line("internal error") with { Exception = new InvalidOperationException("first\nsecond\e") };
        Assert.Equal(
            "<4>etcd[2020] internal error System.InvalidOperationException: first second?\n", new SystemdLineFormatter().Format(line));
    }

    private static LogLine Line(string text) => new("etcd", LogLevel.Warning, new EventId(2020, "Any"), text, [], null);
}
