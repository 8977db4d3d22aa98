using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>The pages below /usr/share/doc/flanneld.</summary>
public sealed partial class DocumentLinkTests : IDisposable
{
    private readonly RunFolder folder = new("documents");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Every_relative_link_of_an_installed_page_leads_to_an_installed_file()
    {
        await Run.OutputAsync("dpkg-deb", "--extract", Packages.Deb, folder.Path);
        var documents = Path.Combine(folder.Path, "usr/share/doc/flanneld");
        var links = (
            from page in Directory.GetFiles(documents, "*.md", SearchOption.AllDirectories)
            from Match link in Link().Matches(File.ReadAllText(page))
            let target = link.Groups["target"].Value.Split('#')[0]
            where target.Length > 0 && !target.Contains(':', StringComparison.Ordinal)
            select (Page: Path.GetRelativePath(documents, page), Target: target,
                File: Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, target)))).ToList();
        Assert.True(links.Count > 200, $"{links.Count} links");
        Assert.Empty(links.Where(link => !Path.Exists(link.File)).Select(link => $"{link.Page}: {link.Target}").Distinct());
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
