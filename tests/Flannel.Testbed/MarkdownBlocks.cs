using System.Text.RegularExpressions;

namespace Flannel.Testbed;

/// <summary>A code block of a Markdown file.</summary>
/// <param name="Language">Of a fenced block; <c>sh</c> for an indented one.</param>
/// <param name="Kind">What the comment before the block says about its test, such as <c>run</c>; empty without one.</param>
public sealed record MarkdownBlock(string Language, string Kind, string Text);

/// <summary>The code blocks of Markdown files, and the command lines of flanneld in them.</summary>
public static partial class MarkdownBlocks
{
    /// <summary>The fenced and indented code blocks in their order.</summary>
    public static IReadOnlyList<MarkdownBlock> Read(string path)
    {
        List<MarkdownBlock> blocks = [];
        var (kind, open, fence) = ("", (string?)null, "");
        List<string> text = [];
        var isAfterBlank = true;
        foreach (var line in File.ReadLines(path).Append(""))
        {
            if (open is not null && line.TrimStart() == fence)
            {
                blocks.Add(new(open, kind, Unindented(text)));
                (open, kind, text) = (null, "", []);
            }
            else if (open is not null)
            {
                text.Add(line);
            }
            else if (Fence().Match(line) is { Success: true } start)
            {
                (open, fence) = (start.Groups["language"].Value, start.Groups["fence"].Value);
            }
            else if (line.StartsWith("    ", StringComparison.Ordinal) && (isAfterBlank || text.Count > 0))
            {
                text.Add(line);
            }
            else if (text.Count > 0)
            {
                blocks.Add(new("sh", kind, Unindented(text)));
                (kind, text) = ("", []);
            }
            if (Marker().Match(line) is { Success: true } marker) kind = marker.Groups[1].Value;
            isAfterBlank = line.Length == 0;
        }
        return blocks;
    }

    /// <summary>Every command line that begins with flanneld: of the code blocks for a shell, and of code in the text.</summary>
    public static IEnumerable<string> Commands(string path)
    {
        var shell = Read(path).Where(block => block.Language is "sh" or "bash" or "console").Select(block => block.Text);
        var inline = Inline().Matches(File.ReadAllText(path)).Select(match => match.Groups[1].Value.ReplaceLineEndings(" "));
        return shell.SelectMany(text => text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            .SelectMany(line => Separator().Split(line.Trim()))
            .Select(part => part.Trim())
            .Where(part => part == "flanneld" || part.StartsWith("flanneld ", StringComparison.Ordinal))
            .Concat(inline);
    }

    /// <summary>The words of a command line, without quotes and redirections.</summary>
    public static string[] Words(string command) =>
        [.. Word().Matches(command).Select(match => match.Value.Replace("'", "", StringComparison.Ordinal))
            .TakeWhile(word => !word.StartsWith('>') && !word.StartsWith('<') && !word.StartsWith("2>", StringComparison.Ordinal))];

    private static string Unindented(List<string> lines)
    {
        var indent = lines.Where(line => line.Trim().Length > 0)
            .Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length >= indent ? line[indent..] : line.TrimStart()));
    }

    [GeneratedRegex(@"^ *(?<fence>```+)(?<language>\w*)$")]
    private static partial Regex Fence();

    [GeneratedRegex(@"<!-- test: ([\w-]+) -->")]
    private static partial Regex Marker();

    [GeneratedRegex("(?<!`)`(flanneld(?:\\s[^`]*)?)`(?!`)")]
    private static partial Regex Inline();

    [GeneratedRegex(@"\s*(?:&&|\|\||;|\|)\s+")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?:'[^']*'|[^\s'])+")]
    private static partial Regex Word();
}
