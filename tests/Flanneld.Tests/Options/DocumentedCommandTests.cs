using Flannel.Testbed;
using Flanneld.Options;

namespace Flanneld.Tests.Options;

/// <summary>The command lines of flanneld in all Markdown files.</summary>
public sealed class DocumentedCommandTests
{
    /// <summary>What a page writes for a value of the reader, and a value.</summary>
    private static readonly Dictionary<string, string> placeholders = new()
    {
        ["MARK"] = "flannel-0123456789abcdef",
        ["COMMAND"] = "check",
        ["SHELL"] = "bash",
        ["FILE"] = "/tmp/file",
        ["PATH"] = "/tmp/file",
    };

    [Fact]
    public void Every_documented_command_line_is_accepted()
    {
        var commands = (
            from document in Documents()
            from command in MarkdownBlocks.Commands(document)
            where !IsAbbreviated(command)
            select (Path.GetRelativePath(Locations.Repository(), document), command)).ToList();
        Assert.True(commands.Count > 100, $"{commands.Count} commands");
        var errors =
            from line in commands.Distinct()
            let error = ErrorOf([.. MarkdownBlocks.Words(line.command).Skip(1).Select(Filled)])
            where error is not null
            select $"{line.Item1}: {line.command}: {error}";
        if (errors.Any()) Assert.Fail(string.Join('\n', errors));
    }

    private static IEnumerable<string> Documents()
    {
        var root = Locations.Repository();
        return Directory.GetFiles(root, "*.md")
            .Concat(Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(Path.Combine(root, "packaging"), "*.md", SearchOption.AllDirectories))
            // These speak of former versions.
            .Where(path => Path.GetFileName(path) != "CHANGELOG.md" && !path.Contains("/adr/", StringComparison.Ordinal));
    }

    /// <summary>Of a name without flags and arguments, such as that of a command that needs an argument, the help must exist.</summary>
    private static string? ErrorOf(string[] arguments)
    {
        var isName = arguments.All(word => word.All(char.IsAsciiLetterLower));
        return CommandLine.Parse(isName ? [.. arguments, "--help"] : arguments, new Dictionary<string, string>()).Error;
    }

    /// <summary>A sketch of a command, not one to type.</summary>
    private static bool IsAbbreviated(string command) => command.IndexOfAny(['…', '[', '|', '(']) >= 0;

    private static string Filled(string word)
    {
        foreach (var (name, value) in placeholders)
            word = word == name ? value : word.Replace($"={name}", $"={value}", StringComparison.Ordinal);
        return word;
    }
}
