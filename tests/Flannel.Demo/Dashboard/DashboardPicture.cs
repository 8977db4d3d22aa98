using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Demo.Dashboard;

/// <summary>Draws packaging/prometheus/dashboard.json with the data of a Prometheus.</summary>
internal sealed partial class DashboardPicture(PrometheusServer prometheus, DateTimeOffset start, DateTimeOffset end)
{
    private const double Column = 50;
    private const double RowHeight = 22;
    private const double Gap = 6;

    /// <summary>So many series are shown even if they are zero.</summary>
    private const int FewSeries = 3;

    /// <summary>The time over which rates are computed.</summary>
    private const string RateInterval = "15s";

    private static readonly TimeSpan step = TimeSpan.FromSeconds(2);

    private readonly TimeWindow window = new(start.ToUnixTimeSeconds(), end.ToUnixTimeSeconds());

    public async Task<string> DrawAsync(CancellationToken cancel)
    {
        var panels = GrafanaDashboard.ReadPanels();
        var (width, height) = (24 * Column, panels.Max(panel => panel.Y + panel.Height) * RowHeight);
        var svg = new SvgWriter(width, height);
        svg.Rectangle(0, 0, width, height, "#f4f5f5");
        foreach (var panel in panels)
        {
            await DrawAsync(svg, panel, cancel);
        }
        return svg.ToString();
    }

    private async Task DrawAsync(SvgWriter svg, DashboardPanel panel, CancellationToken cancel)
    {
        var area = new PanelArea(
            panel.X * Column + Gap / 2, panel.Y * RowHeight + Gap / 2, panel.Width * Column - Gap, panel.Height * RowHeight - Gap);
        if (panel.Type == "row")
        {
            svg.Text(area.X + 4, area.Y + 14, panel.Title, 14, "#222", isBold: true);
            return;
        }
        svg.Rectangle(area.X, area.Y, area.Width, area.Height, "#fff", "#d8d9da");
        svg.Text(area.X + 10, area.Y + 16, panel.Title, 12, "#222", isBold: true);
        switch (panel.Type)
        {
            case "stat":
                await DrawStatAsync(svg, panel, area, cancel);
                break;
            case "table":
                await DrawTableAsync(svg, panel, area, cancel);
                break;
            default:
                new PanelChart(svg, panel, window, area).Draw(await ReadAsync(panel, cancel));
                break;
        }
    }

    private async Task DrawStatAsync(SvgWriter svg, DashboardPanel panel, PanelArea area, CancellationToken cancel)
    {
        var series = await prometheus.QueryAsync(panel.Queries[0].Resolve(RateInterval), cancel);
        var value = series.Count == 0 ? double.NaN : series[0].Values[^1].Value;
        var text = UnitFormat.Format(value, panel.Unit);
        svg.Text(area.X + area.Width / 2, area.Y + area.Height - 20, text, 28, "#37872d", "middle", isBold: true);
    }

    private async Task DrawTableAsync(SvgWriter svg, DashboardPanel panel, PanelArea area, CancellationToken cancel)
    {
        var y = area.Y + 36;
        foreach (var series in await prometheus.QueryAsync(panel.Queries[0].Resolve(RateInterval), cancel))
        {
            // The commit of the build that draws the picture says nothing to its readers.
            var labels = series.Labels.Where(label => label.Key != "commit").Select(label => $"{label.Key} {label.Value}");
            svg.Text(area.X + 10, y, $"{series.Values[^1].Value} nodes: {string.Join(", ", labels)}", 11, "#444");
            y += 16;
        }
    }

    private async Task<List<NamedSeries>> ReadAsync(DashboardPanel panel, CancellationToken cancel)
    {
        var all = new List<NamedSeries>();
        foreach (var query in panel.Queries)
        {
            var result = await prometheus.QueryRangeAsync(query.Resolve(RateInterval), start, end, step, cancel);
            all.AddRange(result.Select(series => new NamedSeries(
                Label().Replace(query.Legend, match => series.Labels.GetValueOrDefault(match.Groups["name"].Value, "")), series.Values)));
        }
        // Series that are zero all the time, such as route states without a node, would fill the legend.
        var moving = all.Where(series => series.Values.Any(sample => sample.Value != 0)).ToList();
        if (all.Count <= FewSeries)
        {
            moving = all;
        }
        return [.. (moving.Count > 0 ? moving : all.Take(FewSeries)).OrderBy(series => series.Name, StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"\{\{(?<name>\w+)\}\}")]
    private static partial Regex Label();
}
