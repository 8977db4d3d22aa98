using System.Text.Json.Nodes;

namespace Flannel.Testbed;

/// <summary>A query of a panel.</summary>
/// <param name="Expression">With the variables of the dashboard.</param>
/// <param name="Legend">With labels in double braces; empty for the labels themselves.</param>
public sealed record DashboardQuery(string Expression, string Legend)
{
    /// <summary>The expression for all nodes.</summary>
    /// <param name="interval">The time over which rates are computed, such as <c>10s</c>.</param>
    public string Resolve(string interval) => Expression
        .Replace("$job", ".*", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal)
        .Replace("$__rate_interval", interval, StringComparison.Ordinal);
}

/// <summary>A panel, or a row (<see cref="Type"/> is <c>row</c>), with its place in the grid of 24 columns.</summary>
public sealed record DashboardPanel(int Id, string Type, string Title, string Unit, IReadOnlyList<DashboardQuery> Queries)
{
    public required int X { get; init; }

    public required int Y { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>Whether the series are drawn on each other.</summary>
    public bool IsStacked { get; init; }
}

/// <summary>packaging/prometheus/dashboard.json.</summary>
public static class GrafanaDashboard
{
    public static string File { get; } = Path.Combine(Locations.Repository(), "packaging", "prometheus", "dashboard.json");

    public static JsonNode Read() => JsonNode.Parse(System.IO.File.ReadAllText(File))!;

    public static IReadOnlyList<DashboardPanel> ReadPanels() => [.. Read()["panels"]!.AsArray().Select(panel => ToPanel(panel!))];

    private static DashboardPanel ToPanel(JsonNode panel)
    {
        var place = panel["gridPos"]!;
        var defaults = panel["fieldConfig"]?["defaults"];
        return new DashboardPanel(
            panel["id"]!.GetValue<int>(), panel["type"]!.GetValue<string>(), panel["title"]!.GetValue<string>(),
            defaults?["unit"]?.GetValue<string>() ?? "",
            [
                .. (panel["targets"]?.AsArray() ?? []).Select(target => new DashboardQuery(
                    target!["expr"]!.GetValue<string>(), target["legendFormat"]!.GetValue<string>())),
            ])
        {
            X = place["x"]!.GetValue<int>(),
            Y = place["y"]!.GetValue<int>(),
            Width = place["w"]!.GetValue<int>(),
            Height = place["h"]!.GetValue<int>(),
            IsStacked = defaults?["custom"]?["stacking"] is not null,
        };
    }
}
