using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary><c>./build.sh bench start</c>: what one node does between the start of its process and READY=1, and its memory.</summary>
internal sealed class StartBenchmark(BenchOptions options, TextWriter output)
{
    private readonly SingleNode single = new(options);
    private readonly Report report = new("MEDIAN", "FASTEST", "SLOWEST");

    public async Task RunAsync(CancellationToken cancel)
    {
        report.Add("executable", Report.Megabytes(new FileInfo(Locations.Flanneld).Length));
        report.Section(string.Create(CultureInfo.InvariantCulture, $"since execve ({options.Runs} runs, writes settle at once)"));
        output.WriteLine("new lease …");
        Add("new lease", await single.NewLeaseTimelinesAsync(cancel));
        output.WriteLine("existing lease …");
        Add("existing lease", await single.FoundLeaseTimelinesAsync(cancel));
        output.WriteLine($"memory, {options.IdleSeconds} s idle …");
        report.Section("memory of one node that is route controller");
        (await single.MemoryAsync(cancel)).AddTo(report, options.IdleSeconds);
        report.Print(output);
    }

    private void Add(string title, IReadOnlyList<StartTimeline> starts)
    {
        Row("main", start => start.Main);
        Row("etcd connection opened", start => start.Connect);
        Row("first etcd request", start => start.Request);
        Row("subnet leased", start => start.Leased);
        Row("READY=1", start => start.Ready);

        void Row(string what, Func<StartTimeline, TimeSpan> moment)
        {
            TimeSpan[] times = [.. starts.Select(moment).Order()];
            report.Add($"{title}: {what}", Text(times[times.Length / 2]), Text(times[0]), Text(times[^1]));
        }
    }

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms");
}
