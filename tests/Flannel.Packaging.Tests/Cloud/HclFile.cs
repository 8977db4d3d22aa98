using System.Text.RegularExpressions;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>A block of a Terraform file: its type, labels and arguments, and the blocks inside.</summary>
internal sealed record HclBlock(string Type, IReadOnlyList<string> Labels)
{
    /// <summary>The expressions of the arguments, as text.</summary>
    public Dictionary<string, string> Arguments { get; } = [];

    public List<HclBlock> Blocks { get; } = [];

    public string Address => string.Join('.', Type == "data" ? Labels.Prepend("data") : Labels);

    public HclBlock Block(string type) => Assert.Single(Blocks, block => block.Type == type);
}

/// <summary>Reads the blocks of files in the format of <c>terraform fmt</c>: one argument or block in each line, two spaces for each
/// level, and the continuation of an argument deeper than its name.</summary>
internal static partial class HclFile
{
    /// <param name="text">The text of one or more files, without comments.</param>
    /// <returns>A block without a type, which contains the blocks of the files.</returns>
    public static HclBlock Parse(string text)
    {
        var root = new HclBlock("", []);
        var open = new Stack<HclBlock>([root]);
        string? argument = null;
        foreach (var line in text.Split('\n'))
        {
            var depth = (line.Length - line.AsSpan().TrimStart().Length) / 2;
            // The brace that ends the block itself is not as deep as its arguments.
            if (argument is not null && (depth >= open.Count || (depth == open.Count - 1 && ClosingBracket().IsMatch(line))))
            {
                open.Peek().Arguments[argument] += "\n" + line;
            }
            else if (BlockStart().Match(line) is { Success: true } start)
            {
                var block = new HclBlock(start.Groups["type"].Value, [.. start.Groups["label"].Captures.Select(label => label.Value)]);
                open.Peek().Blocks.Add(block);
                open.Push(block);
                argument = null;
            }
            else if (ArgumentStart().Match(line) is { Success: true } given)
            {
                argument = given.Groups["name"].Value;
                open.Peek().Arguments.Add(argument, given.Groups["value"].Value);
            }
            else if (line.Trim() == "}")
            {
                open.Pop();
                argument = null;
            }
            else
            {
                Assert.True(string.IsNullOrWhiteSpace(line), $"neither an argument nor a block: {line}");
            }
        }

        Assert.Same(root, Assert.Single(open));
        return root;
    }

    [GeneratedRegex(@"^\s*(?<type>\w+)(?: ""(?<label>[^""]*)"")* \{$")]
    private static partial Regex BlockStart();

    [GeneratedRegex(@"^\s*(?<name>\w+)\s+= (?<value>.*)$")]
    private static partial Regex ArgumentStart();

    [GeneratedRegex(@"^\s*[\]})]")]
    private static partial Regex ClosingBracket();
}
