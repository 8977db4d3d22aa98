using System.Text.RegularExpressions;
using Flannel.Testbed;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Tests.Packaging;

/// <summary>The alert rules and the dashboard below packaging/prometheus.</summary>
public sealed partial class PrometheusFileTests
{
    private static readonly string s_rules = File.ReadAllText(PrometheusServer.Rules);
    private static readonly string s_tests = File.ReadAllText(RuleTests);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string RuleTests => Path.Combine(Locations.Repository(), "packaging", "prometheus", "alerts.test.yaml");

    private static IReadOnlyList<string> Alerts => [.. Alert().Matches(s_rules).Select(match => match.Groups["name"].Value)];

    [Fact]
    public async Task Promtool_accepts_the_rules_and_their_tests_pass()
    {
        if (!File.Exists(PrometheusServer.Tool)) Assert.Skip($"no {PrometheusServer.Tool} on this machine");
        var check = await PrometheusServer.RunToolAsync(["check", "rules", PrometheusServer.Rules], null, Cancel);
        Assert.True(check.ExitCode == 0 && check.Error.Length == 0, check.Output + check.Error);
        var test = await PrometheusServer.RunToolAsync(["test", "rules", RuleTests], null, Cancel);
        Assert.True(test.ExitCode == 0, test.Output + test.Error);
    }

    [Fact]
    public void Every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not()
    {
        Assert.NotEmpty(Alerts);
        Assert.Equal(Alerts.Distinct(), Alerts);
        var tests = RuleTest().Matches(s_tests).ToLookup(match => match.Groups["name"].Value, match => match.Groups["none"].Success);
        Assert.Equal(Alerts.Order(StringComparer.Ordinal), tests.Select(group => group.Key).Order(StringComparer.Ordinal));
        Assert.All(tests, group => Assert.Equal([false, true], group.Distinct().Order()));
    }

    [Fact]
    public void Rules_and_dashboard_use_only_metrics_of_the_catalog()
    {
        var expressions = Expression().Matches(s_rules).Select(match => match.Groups["text"].Value).ToList();
        Assert.Equal(Alerts.Count, expressions.Count);
        expressions.AddRange(GrafanaDashboard.ReadPanels().SelectMany(panel => panel.Queries).Select(query => query.Expression));
        Assert.All(expressions, expression => Assert.NotEmpty(Metric().Matches(expression)));
        var names = MetricCatalog.All.SelectMany(family => family.Type == MetricType.Histogram
            ? [family.Name + "_bucket", family.Name + "_sum", family.Name + "_count"]
            : new[] { family.Name }).ToHashSet();
        Assert.Empty(expressions.SelectMany(expression => Metric().Matches(expression).Select(match => match.Value)).Except(names));
    }

    [Fact]
    public void Every_alert_has_severity_texts_and_a_section_of_the_page_that_its_runbook_names()
    {
        var project = ProjectUrl().Match(File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "project.sh")));
        const string page = "docs/reference/alerts.md";
        var sections = Section().Matches(File.ReadAllText(Path.Combine(Locations.Repository(), page)))
            .Select(match => match.Groups["name"].Value).ToList();
        Assert.Equal(Alerts, sections);
        var rules = s_rules.Split("      - alert: ")[1..];
        Assert.All(rules.Zip(Alerts), rule =>
        {
            Assert.Matches(@"severity: (critical|warning|info)\n", rule.First);
            Assert.Matches("summary: '.+'\n", rule.First);
            Assert.Matches("description: '.+'\n", rule.First);
            Assert.EndsWith(
                $"runbook_url: {project.Groups["url"].Value}/{page}#{rule.Second.ToLowerInvariant()}", rule.First.TrimEnd(),
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_page_shows_the_expression_and_the_severity_of_each_alert()
    {
        var page = File.ReadAllText(Path.Combine(Locations.Repository(), "docs", "reference", "alerts.md"));
        var shown = Promql().Matches(page).Select(match => Blanks().Replace(match.Groups["text"].Value.Trim(), " "));
        Assert.Equal(Expression().Matches(s_rules).Select(match => match.Groups["text"].Value), shown);
        Assert.Equal(
            Severity().Matches(s_rules).Select(match => match.Groups["name"].Value),
            ShownSeverity().Matches(page).Select(match => match.Groups["name"].Value));
    }

    [Fact]
    public void The_page_refers_to_sections_and_events_that_exist()
    {
        var folder = Path.Combine(Locations.Repository(), "docs", "reference");
        var page = File.ReadAllText(Path.Combine(folder, "alerts.md"));
        var links = Link().Matches(page);
        Assert.NotEmpty(links);
        Assert.All(links, link =>
        {
            var target = File.ReadAllText(Path.Combine(folder, link.Groups["file"].Value));
            var section = link.Groups["section"].Value;
            if (section.Length == 0) return;
            Assert.Contains(section, Heading().Matches(target).Select(heading => AnchorOf(heading.Groups["text"].Value)));
        });
        var events = File.ReadAllText(Path.Combine(folder, "events.md"));
        Assert.All(Event().Matches(page), match => Assert.Contains($"| {match.Value} |", events, StringComparison.Ordinal));
    }

    /// <summary>As GitHub makes it.</summary>
    private static string AnchorOf(string heading) => NotInAnchor().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    [Fact]
    public void Every_panel_of_the_dashboard_has_its_own_place_a_unit_and_a_description()
    {
        var panels = GrafanaDashboard.ReadPanels();
        Assert.Equal(
            ["Overview", "Nodes", "Leases", "Routes", "Cloud API", "etcd", "Kubernetes", "Process"],
            panels.Where(panel => panel.Type == "row").Select(panel => panel.Title));
        Assert.Equal(panels.Count, panels.Select(panel => panel.Id).Distinct().Count());
        var taken = new HashSet<(int X, int Y)>();
        foreach (var panel in panels)
        {
            Assert.InRange(panel.X + panel.Width, 1, 24);
            for (var x = panel.X; x < panel.X + panel.Width; x++)
            {
                for (var y = panel.Y; y < panel.Y + panel.Height; y++)
                    Assert.True(taken.Add((x, y)), $"{panel.Title} overlaps another panel");
            }

            if (panel.Type == "row") continue;
            Assert.True(panel.Unit.Length > 0, $"{panel.Title} has no unit");
            Assert.NotEmpty(panel.Queries);
        }

        var root = GrafanaDashboard.Read();
        Assert.All(
            root["panels"]!.AsArray().Where(panel => panel!["type"]!.GetValue<string>() != "row"),
            panel =>
            {
                Assert.Equal("${datasource}", panel!["datasource"]!["uid"]!.GetValue<string>());
                Assert.NotEmpty(panel["description"]!.GetValue<string>());
            });
        Assert.Equal(
            ["datasource", "job", "instance"],
            root["templating"]!["list"]!.AsArray().Select(variable => variable!["name"]!.GetValue<string>()));
    }

    [GeneratedRegex(@"^      - alert: (?<name>\w+)$", RegexOptions.Multiline)]
    private static partial Regex Alert();

    [GeneratedRegex(@"^        expr: '(?<text>.*)'$", RegexOptions.Multiline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"^          severity: (?<name>\w+)$", RegexOptions.Multiline)]
    private static partial Regex Severity();

    [GeneratedRegex(@"^        alertname: (?<name>\w+)\n        exp_alerts:(?<none> \[\])?$", RegexOptions.Multiline)]
    private static partial Regex RuleTest();

    [GeneratedRegex("^## (?<name>Flannel.*)$", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex("^```promql\n(?<text>.*?)```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Promql();

    [GeneratedRegex("^Severity `(?<name>[a-z]+)`,", RegexOptions.Multiline)]
    private static partial Regex ShownSeverity();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"\]\((?<file>[^)#]+)(#(?<section>[^)]+))?\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"`\w+\[\d+\]`")]
    private static partial Regex Event();

    [GeneratedRegex("^PROJECT_URL=(?<url>.*)$", RegexOptions.Multiline)]
    private static partial Regex ProjectUrl();

    [GeneratedRegex(@"\b(flannel|process|dotnet)_[a-z0-9_]+")]
    private static partial Regex Metric();
}
