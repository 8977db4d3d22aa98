using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

/// <summary>The verb test-verbs runs a few tests by name.</summary>
public partial class TestSampleTests
{
    [Fact]
    public void Every_test_that_test_verbs_selects_exists()
    {
        var script = File.ReadAllText(Path.Combine(Locations.Repository(), "eng", "test_verbs.sh"));
        var samples = Sample().Matches(script);
        Assert.NotEmpty(samples);
        Assert.All(samples, sample => Assert.True(Exists(sample), $"no test matches {sample.Value}"));
    }

    private static bool Exists(Match sample)
    {
        var method = Regex.Escape(sample.Groups["method"].Value).Replace(@"\*", @"\w*", StringComparison.Ordinal);
        var file = $"{sample.Groups["class"].Value}.cs";
        return Directory
            .GetFiles(Path.Combine(Locations.Repository(), "tests", sample.Groups["project"].Value), file, SearchOption.AllDirectories)
            .Any(path => Regex.IsMatch(File.ReadAllText(path), $@"public (async Task|void) {method}\("));
    }

    [GeneratedRegex(@"(?<project>Flannel[\w.]+)=\*\.(?<class>\w+)\.(?<method>[\w*]+)")]
    private static partial Regex Sample();
}
