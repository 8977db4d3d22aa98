using System.Reflection;
using Flannel.Core;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary>The commands and flags that print a text and read no settings.</summary>
internal static class TextCommands
{
    private static readonly string[] Shells = ["bash", "zsh", "fish"];

    /// <returns>Null for a command that does something; fails for wrong usage.</returns>
    public static Result<string>? Find(DaemonOptions options)
    {
        if (options.Help) return HelpText.Compose(options.Command);
        if (options.Version) return ProgramVersion.Text + "\n";
        return options.Command switch
        {
            Command.Version => ProgramVersion.Text + "\n",
            Command.Help => Help(options.Argument),
            Command.Completion => Completion(options.Argument),
            Command.Config => Result.Failure(DescribeSubCommands(options)),
            _ => null,
        };
    }

    private static Result<string> Help(string? name)
    {
        if (name is null) return HelpText.Compose(Command.Run);
        return CommandDescriptor.Find(name) is { } command
            ? HelpText.Compose(command.Command)
            : Result.Failure($"unknown command '{Redaction.Value(name)}': see flanneld help");
    }

    /// <summary>Of a command that does nothing without a sub-command.</summary>
    private static string DescribeSubCommands(DaemonOptions options)
    {
        var command = options.Descriptor!;
        return $"its second word is missing: use 'flanneld {command.Name} {command.Argument}', see flanneld help {command.Name}";
    }

    private static Result<string> Completion(string? shell)
    {
        if (shell is null || !Shells.Contains(shell)) return Result.Failure($"name a shell: {string.Join(", ", Shells)}");
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"flanneld.{shell}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
