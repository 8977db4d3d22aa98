using Flannel.Testbed;

namespace Flannel.Demo.Dashboard;

/// <summary>A series with its name in the legend.</summary>
internal sealed record NamedSeries(string Name, IReadOnlyList<PrometheusSample> Values);

/// <summary>The time that a chart shows, as Unix time in seconds.</summary>
internal sealed record TimeWindow(double Start, double End);

/// <summary>Draws the series of one panel.</summary>
internal sealed class PanelChart(SvgWriter svg, DashboardPanel panel, TimeWindow window, PanelArea area)
{
    private const int Ticks = 4;
    private const double AxisWidth = 52;
    private const double TitleHeight = 32;
    private const double LegendHeight = 38;

    /// <summary>Grafana's classic palette.</summary>
    private static readonly string[] colors =
        ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300"];

    private double Left => area.X + AxisWidth;

    private double Right => area.X + area.Width - 10;

    private double Top => area.Y + TitleHeight;

    private double Bottom => area.Y + area.Height - LegendHeight;

    public void Draw(IReadOnlyList<NamedSeries> series)
    {
        var shown = panel.IsStacked ? Stack(series) : series;
        var values = shown.SelectMany(each => each.Values).Select(sample => sample.Value).Where(double.IsFinite).ToList();
        if (values.Count == 0)
        {
            svg.Text(area.X + area.Width / 2, area.Y + area.Height / 2, "no data", 12, "#888", "middle");
            return;
        }
        var scale = UnitFormat.Scale(values.Max(Math.Abs), panel.Unit);
        var top = Ceiling(values.Max() / scale) * scale;
        var bottom = values.Min() < 0 ? -Ceiling(-values.Min() / scale) * scale : 0;
        DrawAxes(bottom, top);
        // The uppermost series of a stack is drawn first: the others cover it.
        for (var i = shown.Count - 1; i >= 0; i--)
        {
            DrawSeries(shown[i], colors[i % colors.Length], bottom, top);
        }
        DrawLegend(series);
    }

    private static List<NamedSeries> Stack(IReadOnlyList<NamedSeries> series)
    {
        var sums = new Dictionary<double, double>();
        var stacked = new List<NamedSeries>();
        foreach (var each in series)
        {
            var values = new List<PrometheusSample>();
            foreach (var sample in each.Values.Where(sample => double.IsFinite(sample.Value)))
            {
                sums[sample.Time] = sums.GetValueOrDefault(sample.Time) + sample.Value;
                values.Add(sample with { Value = sums[sample.Time] });
            }
            stacked.Add(each with { Values = values });
        }
        return stacked;
    }

    private void DrawAxes(double bottom, double top)
    {
        for (var i = 0; i <= Ticks; i++)
        {
            var value = bottom + (top - bottom) * i / Ticks;
            svg.Line(Left, YOf(value, bottom, top), Right, YOf(value, bottom, top), "#e5e5e5");
            svg.Text(Left - 4, YOf(value, bottom, top) + 3, UnitFormat.Format(value, panel.Unit), 9, "#666", "end");
        }
        for (var seconds = 0; seconds <= window.End - window.Start; seconds += 30)
        {
            svg.Text(XOf(window.Start + seconds), Bottom + 12, $"{seconds / 60}:{seconds % 60:00}", 9, "#666", "middle");
        }
    }

    private void DrawSeries(NamedSeries series, string color, double bottom, double top)
    {
        // A gap in the data is a gap in the line.
        var run = new List<ChartPoint>();
        foreach (var sample in series.Values)
        {
            if (double.IsFinite(sample.Value))
            {
                run.Add(new ChartPoint(XOf(sample.Time), YOf(sample.Value, bottom, top)));
                continue;
            }
            DrawRun(run, color);
            run.Clear();
        }
        DrawRun(run, color);
    }

    private void DrawRun(List<ChartPoint> run, string color)
    {
        if (run.Count < 2)
        {
            return;
        }
        var points = WithoutStraightParts(run);
        if (panel.IsStacked)
        {
            svg.Polygon([new ChartPoint(points[0].X, Bottom), .. points, new ChartPoint(points[^1].X, Bottom)], color);
        }
        svg.Polyline(points, color);
    }

    private static List<ChartPoint> WithoutStraightParts(List<ChartPoint> run)
    {
        var points = new List<ChartPoint>();
        for (var i = 0; i < run.Count; i++)
        {
            var isEnd = i == 0 || i == run.Count - 1;
            if (isEnd || Math.Abs(run[i - 1].Y - run[i].Y) > 0.05 || Math.Abs(run[i + 1].Y - run[i].Y) > 0.05)
            {
                points.Add(run[i]);
            }
        }
        return points;
    }

    private void DrawLegend(IReadOnlyList<NamedSeries> series)
    {
        const double letter = 5;
        var x = area.X + 10;
        for (var i = 0; i < series.Count; i++)
        {
            var width = 18 + series[i].Name.Length * letter;
            if (x + width > Right)
            {
                svg.Text(x, area.Y + area.Height - 8, $"+ {series.Count - i}", 9, "#666");
                return;
            }
            svg.Rectangle(x, area.Y + area.Height - 15, 8, 8, colors[i % colors.Length]);
            svg.Text(x + 11, area.Y + area.Height - 8, series[i].Name, 9, "#444");
            x += width;
        }
    }

    private double XOf(double time) => Left + (time - window.Start) / (window.End - window.Start) * (Right - Left);

    private double YOf(double value, double bottom, double top) => Bottom - (value - bottom) / (top - bottom) * (Bottom - Top);

    /// <summary>The next larger number of the series 1, 2, 4, 5, 8, 10 …, so that the ticks are round.</summary>
    private static double Ceiling(double value)
    {
        if (value <= 0)
        {
            return 1;
        }
        var power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return new[] { 1.0, 2, 4, 5, 8, 10 }.First(step => step * power >= value * 0.999999) * power;
    }
}

/// <summary>The place of a panel in the image.</summary>
internal sealed record PanelArea(double X, double Y, double Width, double Height);
