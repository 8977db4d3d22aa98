using Flannel.Testbed;
using Flanneld.Commands.Check;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Commands.Check;

public sealed class CheckPartTests
{
    private readonly FakeTimeProvider time = new();
    private readonly CheckSection section = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_part_that_ends_in_time_reports_its_results()
    {
        var result = await NewPart().RunAsync<string>(
            (results, _) =>
            {
                results.Add(CheckResult.Ok(CheckKind.Etcd, "answers"));
                return Task.FromResult<string?>("found");
            },
            Cancel);
        Assert.Equal("found", result);
        Assert.Equal(["answers"], section.Results.Select(each => each.Detail));
    }

    [Fact]
    public async Task A_part_that_hangs_is_unknown_and_what_it_finds_later_is_not_reported()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hanging = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        CancellationToken stop = default;
        var running = NewPart().RunAsync<string>(
            async (results, token) =>
            {
                stop = token;
                results.Add(CheckResult.Ok(CheckKind.Etcd, "answers"));
                begun.SetResult();
                return await hanging.Task;
            },
            Cancel);
        await begun.Task;
        while (!running.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Cancel);
        }

        Assert.Null(await running);
        Assert.True(stop.IsCancellationRequested);
        section.Add(CheckResult.Ok(CheckKind.Leases, "late"));
        Assert.Equal(
            [CheckResult.Ok(CheckKind.Etcd, "answers").ToString(), CheckResult.Unknown(CheckKind.Etcd, "timed out after 5 s").ToString()],
            section.Results.Select(each => each.ToString()));
        hanging.SetResult(null);
        section.Discard();
        Assert.Empty(section.Results);
    }

    [Fact]
    public void Every_kind_has_an_id_in_kebab_case_that_no_other_has()
    {
        Assert.All(CheckKind.All, kind => Assert.Matches("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", kind.Id));
        Assert.Equal(CheckKind.All.Count, CheckKind.All.Select(kind => kind.Id).Distinct().Count());
        Assert.Equal(CheckKind.All.Count, CheckKind.All.Select(kind => kind.Subject).Distinct().Count());
    }

    [Fact]
    public async Task Every_id_is_documented_in_the_order_of_the_report()
    {
        var page = await File.ReadAllLinesAsync(Path.Combine(Locations.Repository(), "docs", "reference", "check.md"), Cancel);
        var rows = page.SkipWhile(line => line != "## Checks").TakeWhile(line => line != "## Time limits")
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal));
        var ids = rows.SelectMany(row => row.Split('|')[1].Split(',')).Select(cell => cell.Trim().Trim('`'));
        Assert.Equal(CheckKind.All.Select(kind => kind.Id), ids);
    }

    private CheckPart NewPart() => new(CheckKind.Etcd, TimeSpan.FromSeconds(5), section, time);
}
