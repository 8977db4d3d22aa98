using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The tests that docs/ refers to exist, and every row of docs/failure-modes/tests.md refers to one.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void Every_entry_of_the_failure_modes_has_a_row_that_names_a_test()
    {
        var folder = Path.Combine(Locations.Repository(), "docs", "failure-modes");
        var rows = File.ReadLines(Path.Combine(folder, "tests.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| What you see", StringComparison.Ordinal))
            .ToList();
        Assert.All(rows, row => Assert.True(Named().IsMatch(row), $"names no test: {row}"));
        var described = rows.Select(row => Row().Match(row).Groups[1].Value).Where(text => text.Length > 0).ToHashSet();
        var entries = Directory.GetFiles(folder, "*.md")
            .Where(path => Path.GetFileName(path) is not ("README.md" or "tests.md"))
            .SelectMany(File.ReadLines)
            .Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..])
            .Where(heading => heading is not ("How clocks count" or "Known limit"))
            .ToHashSet();
        Assert.True(entries.Count > 100, $"{entries.Count} entries");
        Assert.Empty(entries.Except(described));
        Assert.Empty(described.Except(entries));
    }

    [Fact]
    public void Every_test_that_a_document_names_exists()
    {
        var root = Locations.Repository();
        var sources = Directory.GetFiles(Path.Combine(root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        var documents = Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories);
        var named = documents
            .SelectMany(path => Named().Matches(File.ReadAllText(path)).Select(test => (Path: Path.GetFileName(path), Test: test)))
            .ToList();
        Assert.True(named.Count > 40, $"{named.Count} tests are named");
        Assert.All(named, pair => Assert.True(
            sources[pair.Test.Groups[1].Value].Any(source =>
                pair.Test.Groups[2].Length == 0 || source.Contains($" {pair.Test.Groups[2].Value}(", StringComparison.Ordinal)),
            $"{pair.Path} names {pair.Test.Value}, which does not exist"));
    }

    [GeneratedRegex(@"`(\w+Tests)(?:\.(\w+))?`")]
    private static partial Regex Named();

    /// <summary>What you see, and a test. A further test of the same entry has an empty first cell.</summary>
    [GeneratedRegex(@"^\|(?: (.+?))? \| `[^`]+` \|$")]
    private static partial Regex Row();
}
