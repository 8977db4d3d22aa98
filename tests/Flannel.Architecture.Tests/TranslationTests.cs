using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

/// <summary>The Chinese pages are in step with the English ones.</summary>
public partial class TranslationTests
{
    private static readonly string s_repository = Locations.Repository();

    public static TheoryData<string> Translations => [.. Directory.GetFiles(Path.Combine(s_repository, "docs", "zh-CN"), "*.md")
        .Append(Path.Combine(s_repository, "README.zh-CN.md")).Select(path => Path.GetRelativePath(s_repository, path)).Order()];

    /// <summary>A translation names the hash of the text that it translates. If this fails: translate what changed in the source, then
    /// write the new hash.</summary>
    [Theory]
    [MemberData(nameof(Translations))]
    public void A_translation_is_that_of_the_present_source(string translation)
    {
        var source = SourceOf(translation);
        var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(s_repository, source.Groups["path"].Value))));
        Assert.True(hash == source.Groups["hash"].Value,
            $"{source.Groups["path"].Value} has changed: update {translation}, then write sha256 {hash} into its first line");
    }

    [Theory]
    [MemberData(nameof(Translations))]
    public void A_translation_has_the_headings_and_the_code_of_its_source(string translation)
    {
        var source = SourceOf(translation).Groups["path"].Value;
        Assert.Equal(Headings(source), Headings(translation));
        Assert.Equal(Code(source), Code(translation));
    }

    private static Match SourceOf(string translation)
    {
        var source = Source().Match(File.ReadLines(Path.Combine(s_repository, translation)).First());
        Assert.True(source.Success, $"{translation}: the first line is not <!-- source: FILE sha256: HASH -->");
        return source;
    }

    /// <summary>The levels of the headings.</summary>
    private static IEnumerable<int> Headings(string path) =>
        File.ReadLines(Path.Combine(s_repository, path))
            .Where(line => line.StartsWith('#')).Select(line => line.IndexOf(' ', StringComparison.Ordinal));

    /// <summary>The blocks for a shell and of settings. Blocks of output may be translated. Tests run those of the source.</summary>
    private static IEnumerable<string> Code(string path) =>
        MarkdownBlocks.Read(Path.Combine(s_repository, path)).Where(block => block.Language != "text").Select(block => block.Text);

    [GeneratedRegex("^<!-- source: (?<path>\\S+) sha256: (?<hash>[0-9a-f]{64}) -->$")]
    private static partial Regex Source();
}
