using System.Text;
using Flannel.Core;
using Flanneld.Options;
using Flanneld.Options.Installed;

namespace Flanneld.Commands.BugReport;

/// <summary>A unit file or drop-in of systemd without the values of its variables, which may be secrets. Pure.</summary>
internal static class UnitFileText
{
    private const string Environment = "Environment=";
    private const string SetCredential = "SetCredential";

    public static string WithoutSecrets(string text)
    {
        var shown = new StringBuilder();
        // A backslash continues a line.
        foreach (var line in text.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            shown.Append(Show(line)).Append('\n');
        return shown.ToString().TrimEnd('\n') + "\n";
    }

    private static string Show(string line)
    {
        // A setting that is commented out may have a secret, too.
        var setting = line.TrimStart(' ', '\t', '#', ';');
        var before = line[..(line.Length - setting.Length)];
        if (setting.StartsWith(Environment, StringComparison.OrdinalIgnoreCase))
            return $"{before}{Environment}{string.Join(' ', UnitWords.Split(setting[Environment.Length..]).Select(ShowVariable))}";
        return setting.StartsWith(SetCredential, StringComparison.OrdinalIgnoreCase)
            ? $"{before}{setting.Split('=', ':')[0]}={Redaction.Mask}"
            : line;
    }

    /// <summary>The value of a flag of the daemon without secrets; that of any other variable is not shown.</summary>
    private static string ShowVariable(string assignment)
    {
        var parts = assignment.Split('=', 2);
        if (parts.Length < 2) return Redaction.Mask;
        var flag = Flags.All.FirstOrDefault(flag => flag.HasVariable && flag.EnvironmentName == parts[0]);
        return $"{parts[0]}={flag?.Show(parts[1]) ?? Redaction.Mask}";
    }
}
