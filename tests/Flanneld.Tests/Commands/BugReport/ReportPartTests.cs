using Flannel.Core;
using Flanneld.Commands.BugReport;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class ReportPartTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(50);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_part_that_fails_says_why()
    {
        Assert.Equal("not read: no etcd\n", await ReadAsync(_ => Task.FromResult<Result<string>>(Result.Failure("no etcd"))));
        Assert.Equal(
            "not read: internal error (please report): unhandled exception\n",
            await ReadAsync(_ => throw new InvalidOperationException("hunter2")));
    }

    [Fact]
    public async Task A_part_that_takes_too_long_is_given_up()
    {
        Assert.Equal("not read: it took longer than 0 s\n", await ReadAsync(async stop =>
        {
            await Task.Delay(Timeout.Infinite, stop);
            return "";
        }));
    }

    [Fact]
    public async Task A_part_that_ignores_its_cancellation_is_given_up()
    {
        var never = new TaskCompletionSource<Result<string>>();
        Assert.StartsWith("not read: it took longer", await ReadAsync(_ => never.Task));
    }

    [Fact]
    public async Task The_end_or_the_beginning_of_a_long_part_is_kept()
    {
        var text = "first" + new string('x', 2 << 20) + "last";
        Assert.StartsWith("first", await ReadAsync(_ => Task.FromResult<Result<string>>(text)));
        var end = await new ReportPart("log", Limit, _ => Task.FromResult<Result<string>>(text)) { KeepsEnd = true }
            .ReadAsync(TimeProvider.System, Cancel);
        Assert.EndsWith("last", end);
        Assert.InRange(end.Length, 1 << 20, (1 << 20) + 100);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_report()
    {
        using var stop = new CancellationTokenSource();
        var part = new ReportPart("x", TimeSpan.FromMinutes(1), async token =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, token);
            return "";
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => part.ReadAsync(TimeProvider.System, stop.Token));
    }

    private static Task<string> ReadAsync(Func<CancellationToken, Task<Result<string>>> read) =>
        new ReportPart("x", Limit, read).ReadAsync(TimeProvider.System, Cancel);
}
