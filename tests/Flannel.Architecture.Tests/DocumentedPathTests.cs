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

    private static IEnumerable<string> Documents() =>
        Directory.GetFiles(s_repository, "*.md")
            .Concat(Directory.GetFiles(System.IO.Path.Combine(s_repository, "docs"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(System.IO.Path.Combine(s_repository, "packaging"), "*.md", SearchOption.AllDirectories));

    /// <summary>A path of this repository in code quotes, without placeholders.</summary>
    [GeneratedRegex(@"`(?<path>(?:src|tests|eng|docs|packaging|deb|rpm)/[\w./-]+)`")]
    private static partial Regex Path();
}
