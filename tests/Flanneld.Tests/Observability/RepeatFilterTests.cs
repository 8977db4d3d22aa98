using System.Collections.Concurrent;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Observability;

public sealed class RepeatFilterTests : IDisposable
{
    private const int Unavailable = 2000;
    private const int Recovered = 2001;
    private const int RouteFailed = 3503;

    private readonly FakeTimeProvider time = new();
    private readonly ConcurrentQueue<LogLine> written = new();
    private readonly RepeatFilter filter;

    public RepeatFilterTests() => filter = new RepeatFilter(written.Enqueue, time);

    private IEnumerable<string> Texts => written.Select(line => line.Text);

    public void Dispose() => filter.Dispose();

    [Fact]
    public void The_first_line_is_written_at_once_and_its_repeats_once_at_the_end_of_the_window()
    {
        for (var i = 0; i < 10; i++)
        {
            Write(RouteFailed, "route failed");
            time.Advance(TimeSpan.FromSeconds(29));
        }

        Assert.Equal(["route failed"], Texts);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(["route failed", "route failed (repeated 9 times in the last 5 minutes)"], Texts);
        Assert.Equal(9, written.Last().Repeats);
    }

    [Fact]
    public void Repeats_that_go_on_are_written_once_for_each_window_and_a_quiet_window_ends_it()
    {
        for (var i = 0; i < 21; i++)
        {
            Write(RouteFailed, "route failed");
            time.Advance(TimeSpan.FromMinutes(1));
        }

        // The first line, and one summary for each of 4 windows. The last repeat belongs to the fifth.
        Assert.Equal(5, written.Count);
        Assert.Equal(19, written.Sum(line => line.Repeats));
        time.Advance(RepeatFilter.Window);
        time.Advance(RepeatFilter.Window);
        Assert.Equal(20, written.Sum(line => line.Repeats));
        Write(RouteFailed, "route failed");
        Assert.Equal("route failed", written.Last().Text);
        Assert.Equal(0, written.Last().Repeats);
    }

    [Fact]
    public void One_repeat_is_written_in_the_singular()
    {
        Write(RouteFailed, "route failed");
        time.Advance(TimeSpan.FromSeconds(1));
        Write(RouteFailed, "route failed");
        filter.Flush();
        Assert.Equal("route failed (repeated once in the last second)", written.Last().Text);
    }

    [Fact]
    public void Another_state_ends_the_count_before_its_own_line_and_the_first_state_is_news_again()
    {
        Write(Unavailable, "etcd unavailable: timed out");
        Write(Unavailable, "etcd unavailable: timed out");
        time.Advance(TimeSpan.FromSeconds(30));
        Write(Recovered, "etcd available again");
        Write(Unavailable, "etcd unavailable: timed out");
        Assert.Equal(
            [
                "etcd unavailable: timed out", "etcd unavailable: timed out (repeated once in the last 30 seconds)", "etcd available again",
                "etcd unavailable: timed out",
            ], Texts);
    }

    [Fact]
    public void Lines_about_several_things_do_not_end_each_others_count()
    {
        for (var i = 0; i < 5; i++)
        {
            Write(RouteFailed, "route 10.24.1.0/24 failed");
            Write(RouteFailed, "route 10.24.2.0/24 failed");
        }

        Assert.Equal(["route 10.24.1.0/24 failed", "route 10.24.2.0/24 failed"], Texts);
    }

    [Theory]
    [InlineData(LogLevel.Trace, 3000)]
    [InlineData(LogLevel.Debug, 2002)]
    [InlineData(LogLevel.Critical, 1006)]
    [InlineData(LogLevel.Information, 1035)]
    public void Details_critical_lines_and_answers_to_a_signal_are_always_written(LogLevel level, int id)
    {
        for (var i = 0; i < 3; i++) Write(id, "the same", level);
        Assert.Equal(3, written.Count);
    }

    [Fact]
    public void The_number_of_remembered_lines_is_limited_and_no_count_is_lost()
    {
        for (var i = 0; i < 2 * RepeatFilter.MaxMessages; i++)
        {
            Write(RouteFailed, $"route {i} failed");
            Write(RouteFailed, $"route {i} failed");
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(RepeatFilter.MaxMessages, written.Sum(line => line.Repeats));
        filter.Flush();
        Assert.Equal(2 * RepeatFilter.MaxMessages, written.Sum(line => line.Repeats));
    }

    [Fact]
    public void Nothing_is_lost_at_the_end()
    {
        Write(RouteFailed, "route failed");
        Write(RouteFailed, "route failed");
        filter.Dispose();
        Assert.Equal(2, written.Count);
    }

    [Fact]
    public void Lines_of_many_threads_are_all_counted()
    {
        const int threads = 8;
        const int lines = 2000;
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, _ =>
        {
            for (var i = 0; i < lines; i++) Write(RouteFailed, $"route {i % 10} failed");
        });
        filter.Flush();
        Assert.Equal(10, written.Count(line => line.Repeats == 0));
        Assert.Equal(threads * lines, written.Count(line => line.Repeats == 0) + written.Sum(line => line.Repeats));
    }

    private void Write(int id, string text, LogLevel level = LogLevel.Warning) =>
        filter.Write(new LogLine("etcd", level, new EventId(id), text, [], null));
}
