using System.Net;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

/// <summary>docs/images/demo.svg is a picture of a run. eng/record_demo.sh makes it again.</summary>
public partial class RecordedDemoTests
{
    [Fact]
    public void The_picture_of_the_demo_has_its_steps()
    {
        var root = Locations.Repository();
        var scenario = File.ReadAllText(Path.Combine(root, "tests", "Flannel.Demo", "DemoScenario.cs"));
        var picture = WebUtility.HtmlDecode(File.ReadAllText(Path.Combine(root, "docs", "images", "demo.svg")));
        var titles = Title().Matches(scenario).Select(match => match.Groups["title"].Value).ToList();
        Assert.True(titles.Count >= 7, $"{titles.Count} steps");
        Assert.All(titles, title => Assert.Contains($". {title}", picture, StringComparison.Ordinal));
    }

    /// <summary>The title of a step, as far as it is constant.</summary>
    [GeneratedRegex("""(?:StepAsync\(|title = \$)"(?<title>[^"{]+)""")]
    private static partial Regex Title();
}
