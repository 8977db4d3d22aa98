using System.Text;

namespace Flanneld.Options;

/// <summary>The texts of <c>--help</c>: flags in groups, with their defaults.</summary>
internal static class HelpText
{
    private const int Column = 36;

    /// <summary>Of the daemon, with all flags; or of one command, with those that it reads.</summary>
    public static string Compose(Command command) => command == Command.Run ? ComposeAll() : Compose(CommandDescriptor.Of(command));

    private static string ComposeAll()
    {
        var text = new StringBuilder();
        text.Append("flanneld leases a subnet for this node from etcd. The elected route controller writes the routes of all\n");
        text.Append("subnets to the VPC's route tables.\n\n");
        text.Append("Usage: flanneld [command] [flags]\n\nCommands (none: the daemon; flanneld help COMMAND explains one):\n");
        foreach (var command in CommandDescriptor.All) Append(text, "  " + command.Name, command.Help);
        AppendFlags(text, Flags.All.Where(flag => !flag.IsHidden));
        text.Append("\nEach flag is also an environment variable: --etcd-prefix is FLANNELD_ETCD_PREFIX. The flag has precedence.\n");
        text.Append("A command uses the settings of the installed service, too; -v 1 prints where each comes from.\n");
        text.Append("Exit codes: 0 stopped or done; 1 failed; 2 wrong usage.\n");
        return text.ToString();
    }

    private static string Compose(CommandDescriptor command)
    {
        var text = new StringBuilder();
        var argument = command.Argument.Length > 0 ? $" {command.Argument}" : "";
        var flags = Flags.All.Where(flag => !flag.IsHidden && IsOf(flag, command.Command)).ToList();
        text.Append($"flanneld {command.Name}: {command.Help}\n\n");
        text.Append($"Usage: flanneld {command.Name}{argument}{(flags.Count > 0 || !command.NeedsNoSettings ? " [flags]" : "")}\n");
        AppendSubCommands(text, command);
        AppendFlags(text, flags);
        if (!command.NeedsNoSettings)
            text.Append("\nAlso the flags of the daemon that name etcd, the interface and the cloud: see flanneld --help.\n");
        text.Append("\nExamples:\n");
        foreach (var example in command.Examples) text.Append("  ").Append(example).Append('\n');
        text.Append($"\nExit codes: {command.ExitCodes}.\n");
        return text.ToString();
    }

    /// <summary>Whether it is a flag of the command only, or changes what this command writes.</summary>
    private static bool IsOf(Flag flag, Command command) =>
        flag.Only?.Contains(command) == true || (command == Command.ConfigSet && flag.Name == "dry-run");

    private static void AppendSubCommands(StringBuilder text, CommandDescriptor command)
    {
        var found = command.FindSubCommands();
        if (found.Count > 0) text.Append("\nCommands:\n");
        foreach (var sub in found) Append(text, "  " + sub.Name, sub.Help);
    }

    private static void AppendFlags(StringBuilder text, IEnumerable<Flag> flags)
    {
        foreach (var group in flags.GroupBy(flag => flag.Group))
        {
            text.Append('\n').Append(group.Key).Append(":\n");
            foreach (var flag in group) Append(text, flag);
        }
    }

    private static void Append(StringBuilder text, Flag flag)
    {
        var left = $"  {flag.ShownName}{(flag.IsBoolean ? "" : " " + flag.Argument)}";
        var help = flag.Default.Length > 0 && flag.Default != "false" ? $"{flag.Help} (default {flag.Default})" : flag.Help;
        Append(text, left, help);
    }

    private static void Append(StringBuilder text, string left, string right)
    {
        text.Append(left);
        if (left.Length >= Column) text.Append('\n').Append(' ', Column);
        else text.Append(' ', Column - left.Length);
        text.Append(right).Append('\n');
    }
}
