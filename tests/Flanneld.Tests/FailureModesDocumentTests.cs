using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flanneld.Tests;

/// <summary>docs/failure-modes.md promises a test for every row.</summary>
public sealed partial class FailureModesDocumentTests
{
    [Fact]
    public void Every_row_names_a_test_and_every_test_that_is_named_exists()
    {
        var root = Locations.Repository();
        var rows = File.ReadLines(Path.Combine(root, "docs", "failure-modes.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| What happens", StringComparison.Ordinal)).ToList();
        Assert.True(rows.Count > 20, $"{rows.Count} rows");
        var sources = Directory.GetFiles(Path.Combine(root, "tests"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        Assert.All(rows, row =>
        {
            var named = Named().Matches(row);
            Assert.True(named.Count > 0, "names no test");
            Assert.All(named, test => Assert.True(sources[test.Groups[1].Value].Any(source => source.Contains($" {test.Groups[2].Value}(", StringComparison.Ordinal)), $"no {test.Value}"));
        });
    }

    [GeneratedRegex(@"`(\w+Tests)\.(\w+)`")]
    private static partial Regex Named();
}
