using System.Globalization;

namespace Flannel.Benchmarks;

/// <summary>The result table: a title and three cells in each row.</summary>
internal sealed class Report(string first, string second, string third)
{
    private readonly List<string[]> rows = [["", first, second, third, ""]];

    /// <summary>A table of measured values, the figures of flannel v0.19.2, and the targets.</summary>
    public static Report WithTargets() => new("MEASURED", "FLANNEL v0.19.2", "TARGET");

    public void Section(string title) => rows.Add([title, "", "", "", ""]);

    /// <param name="detail">A text behind the cells.</param>
    public void Add(string title, string measured, string upstream = "", string target = "", string detail = "") =>
        rows.Add([$"  {title}", measured, upstream, target, detail]);

    /// <summary>A total with its parts.</summary>
    public void AddCounts(string title, IReadOnlyDictionary<string, long> counts, string upstream = "", string target = "") => Add(
        title, counts.Values.Sum().ToString(CultureInfo.InvariantCulture), upstream, target,
        string.Join(", ", counts.OrderByDescending(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}")));

    public void Print(TextWriter output) => Table.Print(rows, output, 0, 1, 2, 3);

    public static string Time(TimeSpan time) => time.TotalSeconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    public static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");

    /// <summary>The median; with the minimum and maximum of several runs.</summary>
    public static string Times(IReadOnlyList<TimeSpan> times)
    {
        TimeSpan[] sorted = [.. times.Order()];
        var median = Time(sorted[sorted.Length / 2]);
        return sorted.Length == 1 ? median : $"{median} ({Time(sorted[0])} … {Time(sorted[^1])})";
    }
}
