using System.Text.RegularExpressions;

namespace Flannel.Testbed;

/// <summary>A code block of a Markdown file.</summary>
/// <param name="Language">Of a fenced block; <c>sh</c> for an indented one.</param>
/// <param name="Kind">What the comment before the block, or that of the page, says about its test, such as <c>run</c>; empty without
/// one.</param>
/// <param name="Scenario">Which of several tests of the page; empty if there is one.</param>
/// <param name="Line">Of its fence or of its first line.</param>
public sealed record MarkdownBlock(string Language, string Kind, string Scenario, string Text, int Line)
{
    /// <summary>Whether it has commands for a shell, or might have: an indented block has no language.</summary>
    public bool IsShell => Language is "" or "sh" or "shell" or "bash" or "zsh" or "fish" or "console";
}

/// <summary>The code blocks of Markdown files, and the command lines of flanneld in them.</summary>
public static partial class MarkdownBlocks
{
    /// <summary>The fenced and indented code blocks in their order.</summary>
    /// <exception cref="TestbedException">A fence is not closed, or its first line is not understood.</exception>
    public static IReadOnlyList<MarkdownBlock> Read(string path)
    {
        List<MarkdownBlock> blocks = [];
        var (ofPage, marker, open, fence) = (Match.Empty, (Match?)null, (string?)null, "");
        List<string> text = [];
        var isAfterBlank = true;
        var (start, number) = (0, 0);
        foreach (var line in File.ReadLines(path).Append(""))
        {
            number++;
            if (open is not null && line.TrimStart() == fence)
            {
                Add(open);
                open = null;
            }
            else if (open is not null)
            {
                text.Add(line);
            }
            else if (Fence().Match(line) is { Success: true } opened)
            {
                (open, fence, start) = (opened.Groups["language"].Value, opened.Groups["fence"].Value, number);
            }
            else if (line.StartsWith("    ", StringComparison.Ordinal) && (isAfterBlank || text.Count > 0))
            {
                if (text.Count == 0) start = number;
                text.Add(line);
            }
            else if (text.Count > 0)
            {
                Add("sh");
            }
            if (open is null && Marker().Match(line) is { Success: true } found)
            {
                if (found.Groups["page"].Success) ofPage = found;
                else marker = found;
            }
            isAfterBlank = line.Length == 0;
        }
        return open is null ? blocks : throw new TestbedException($"{path}:{start}: the fence is not closed");

        void Add(string language)
        {
            var groups = (marker ?? ofPage).Groups;
            blocks.Add(new(language, groups["kind"].Value, groups["scenario"].Value, Unindented(text), start));
            (marker, text) = (null, []);
        }
    }

    /// <summary>Every command line that begins with flanneld: of the code blocks for a shell, and of code in the text.</summary>
    public static IEnumerable<string> Commands(string path)
    {
        var shell = Read(path).Where(block => block.IsShell && block.Kind != "text").Select(block => block.Text);
        return shell.SelectMany(text => text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            .SelectMany(line => Separator().Split(line.Trim()))
            .Select(part => part.Trim())
            .Where(part => part == "flanneld" || part.StartsWith("flanneld ", StringComparison.Ordinal))
            .Concat(InlineCommands(path));
    }

    /// <summary>Those of code in the text, on one line each.</summary>
    public static IEnumerable<string> InlineCommands(string path) =>
        Inline().Matches(File.ReadAllText(path)).Select(match => string.Join(' ', match.Groups[1].Value.Split((char[]?)null,
            StringSplitOptions.RemoveEmptyEntries)));

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

    /// <summary><c>test:</c> is for the next block, <c>tests:</c> for all blocks of the page without a comment of their own.</summary>
    [GeneratedRegex(@"<!-- test(?<page>s)?: (?<kind>\w+)(?: (?<scenario>[\w-]+))? -->")]
    private static partial Regex Marker();

    [GeneratedRegex("(?<!`)`(flanneld(?:\\s[^`]*)?)`(?!`)")]
    private static partial Regex Inline();

    [GeneratedRegex(@"\s*(?:&&|\|\||;|\|)\s+")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?:'[^']*'|[^\s'])+")]
    private static partial Regex Word();
}
