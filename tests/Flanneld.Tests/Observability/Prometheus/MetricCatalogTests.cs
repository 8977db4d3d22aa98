using System.Text;
using System.Text.RegularExpressions;
using Flannel.Testbed;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Tests.Observability.Prometheus;

/// <summary>The catalog, and docs/reference/metrics.md, whose tables come from it.</summary>
public sealed partial class MetricCatalogTests
{
    /// <summary>With this variable the test writes the tables into the page instead of comparing them.</summary>
    private const string WriteVariable = "FLANNEL_WRITE_DOCS";

    private static readonly string s_page = Path.Combine(Locations.Repository(), "docs", "reference", "metrics.md");

    [Fact]
    public void The_tables_of_the_reference_page_are_those_of_the_catalog()
    {
        var page = File.ReadAllText(s_page);
        var written = Table().Replace(page, match =>
        {
            var section = Enum.Parse<MetricSection>(match.Groups["section"].Value, ignoreCase: true);
            return $"<!-- metrics: {match.Groups["section"].Value} -->\n\n{Render(section)}\n<!-- end -->";
        });
        Assert.Equal(
            Enum.GetValues<MetricSection>(),
            Table().Matches(page).Select(match => Enum.Parse<MetricSection>(match.Groups["section"].Value, ignoreCase: true)));
        if (Environment.GetEnvironmentVariable(WriteVariable) == "true") File.WriteAllText(s_page, written);
        else Assert.Equal(written, page);
    }

    [Fact]
    public void Documents_name_only_metrics_that_exist()
    {
        var names = AllNames();
        var unknown =
            from file in Directory.GetFiles(Path.Combine(Locations.Repository(), "docs"), "*.md", SearchOption.AllDirectories)
            from Match name in Name().Matches(File.ReadAllText(file))
            where !names.Contains(name.Value)
            select $"{Path.GetFileName(file)}: {name.Value}";
        Assert.Empty(unknown);
    }

    [Fact]
    public void Names_follow_the_conventions_of_Prometheus()
    {
        Assert.Equal(MetricCatalog.All.Count, MetricCatalog.All.Select(family => family.Name).Distinct().Count());
        Assert.All(MetricCatalog.All, family =>
        {
            Assert.Matches("^(flannel|process|dotnet)_[a-z0-9_]+$", family.Name);
            Assert.Equal(family.Type == MetricType.Counter, family.Name.EndsWith("_total", StringComparison.Ordinal));
            Assert.Equal(family.Type == MetricType.Histogram, family.Bounds.Length > 0);
            if (family.Type == MetricType.Histogram) Assert.EndsWith("_seconds", family.Name, StringComparison.Ordinal);
            Assert.Equal(family.Bounds.Order(), family.Bounds);
            Assert.DoesNotMatch("milliseconds|minutes|_kb$|_mb$", family.Name);
            Assert.All(family.Labels, label => Assert.Matches("^[a-z_]+$", label));
            Assert.Matches("^[A-Z0-9][^|\n]*[^.]$", family.Help);
        });
    }

    /// <summary>Of all series.</summary>
    private static HashSet<string> AllNames() =>
    [
        .. MetricCatalog.All.SelectMany(family => family.Type == MetricType.Histogram
            ? [family.Name, family.Name + "_bucket", family.Name + "_sum", family.Name + "_count"]
            : new[] { family.Name }),
    ];

    private static string Render(MetricSection section)
    {
        var table = new StringBuilder("| Metric | Type | Meaning |\n|---|---|---|\n");
        foreach (var family in MetricCatalog.All.Where(family => family.Section == section))
        {
            var labels = family.Labels.Length == 0 ? "" : $"{{{string.Join(',', family.Labels)}}}";
            table.Append($"| `{family.Name}{labels}` | {family.Type.ToString().ToLowerInvariant()} | {family.Help} |\n");
        }

        return table.ToString();
    }

    [GeneratedRegex("<!-- metrics: (?<section>\\w+) -->.*?<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Table();

    [GeneratedRegex("\\bflannel_(?!ali_vpc)[a-z0-9_]+")]
    private static partial Regex Name();
}
