using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The tests that docs/ refers to exist, and every row of docs/failure-modes.md refers to one.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void Every_row_of_failure_modes_names_a_test()
    {
        var root = Locations.Repository();
        var rows = File.ReadLines(Path.Combine(root, "docs", "failure-modes.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| What happens", StringComparison.Ordinal))
            .ToList();
        Assert.True(rows.Count > 20, $"{rows.Count} rows");
        Assert.All(rows, row => Assert.True(Named().IsMatch(row), "names no test"));
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
}
