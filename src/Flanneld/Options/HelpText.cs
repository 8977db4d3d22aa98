using System.Text;

namespace Flanneld.Options;

/// <summary>The text of <c>--help</c>: flags in groups, with their defaults.</summary>
internal static class HelpText
{
    private const int Column = 36;

    public static string Compose()
    {
        var text = new StringBuilder();
        text.Append("flanneld leases a subnet for this node from etcd. The elected route controller writes the routes of all\n");
        text.Append("subnets to the VPC's route tables.\n\n");
        text.Append("Usage: flanneld [command] [flags]\n\nCommands (none: the daemon):\n");
        foreach (var command in CommandDescriptor.All) Append(text, "  " + command.Name, command.Help);
        foreach (var group in Flags.All.GroupBy(flag => flag.Group))
        {
            text.Append('\n').Append(group.Key).Append(":\n");
            foreach (var flag in group) Append(text, flag);
        }

        text.Append("\nEach flag is also an environment variable: --etcd-prefix is FLANNELD_ETCD_PREFIX. The flag has precedence.\n");
        text.Append("Exit codes: 0 stopped or done; 1 failed; 2 wrong usage.\n");
        return text.ToString();
    }

    private static void Append(StringBuilder text, Flag flag)
    {
        var left = $"  {flag.ShownName}{(flag.IsBoolean ? "" : " " + flag.Argument)}";
        Append(text, left, flag.Default.Length > 0 && flag.Default != "false" ? $"{flag.Help} (default {flag.Default})" : flag.Help);
    }

    private static void Append(StringBuilder text, string left, string right)
    {
        text.Append(left);
        if (left.Length >= Column) text.Append('\n').Append(' ', Column);
        else text.Append(' ', Column - left.Length);
        text.Append(right).Append('\n');
    }
}
