using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

public partial class DocumentedPathTests
{
    private static readonly string s_repository = Locations.Repository();

    [Fact]
    public void Every_path_that_a_document_names_exists()
    {
        var missing =
            from document in Documents()
            from Match path in Path().Matches(File.ReadAllText(document))
            let name = path.Groups["path"].Value.TrimEnd('/')
            where !System.IO.Path.Exists(System.IO.Path.Combine(s_repository, name))
            select $"{System.IO.Path.GetRelativePath(s_repository, document)}: {name}";
        Assert.Empty(missing.Distinct());
    }

    [Fact]
    public void Every_relative_link_leads_to_a_file_and_to_a_heading()
    {
        var broken =
            from document in Documents()
            from Match link in Link().Matches(File.ReadAllText(document))
            let target = link.Groups["target"].Value
            where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal)
            where !Exists(document, target)
            select $"{System.IO.Path.GetRelativePath(s_repository, document)}: {target}";
        Assert.Empty(broken.Distinct());
    }

    private static bool Exists(string document, string target)
    {
        var (path, anchor) = target.Split('#', 2) is [var before, var after] ? (before, after) : (target, "");
        var file = path.Length == 0
            ? document
            : System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(document)!, path));
        return System.IO.Path.Exists(file) && (anchor.Length == 0 || Anchors(file).Contains(anchor));
    }

    /// <summary>The anchors that GitHub gives to the headings: lower case, without punctuation, with hyphens for blanks.</summary>
    private static HashSet<string> Anchors(string file) =>
        [.. File.ReadLines(file).Where(line => line.StartsWith('#')).Select(line => string.Concat(
            line.TrimStart('#').Trim().ToLowerInvariant()
                .Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')
                .Select(letter => letter == ' ' ? '-' : letter)))];

    private static IEnumerable<string> Documents() =>
        Directory.GetFiles(s_repository, "*.md")
            .Concat(Directory.GetFiles(System.IO.Path.Combine(s_repository, "docs"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(System.IO.Path.Combine(s_repository, "packaging"), "*.md", SearchOption.AllDirectories));

    /// <summary>A path of this repository in code quotes, without placeholders.</summary>
    [GeneratedRegex(@"`(?<path>(?:src|tests|eng|docs|packaging|deb|rpm)/[\w./-]+)`")]
    private static partial Regex Path();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
