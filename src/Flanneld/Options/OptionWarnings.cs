using Flannel.Core;
using Flannel.Etcd.Registry;

namespace Flanneld.Options;

/// <summary>Finds accepted settings that are probably mistakes: one line each, for the daemon's log and the report of
/// <c>check</c>.</summary>
internal static class OptionWarnings
{
    /// <summary>What the unit puts behind the program's name: flags already.</summary>
    private const string UnitOptions = "FLANNELD_OPTIONS";

    /// <summary>Of the sysconfig file that Red Hat's package of flannel brings along. Its values are flags and addresses as they are
    /// today.</summary>
    private const string FormerPrefix = "FLANNEL_";

    private const char ByteOrderMark = '\uFEFF';

    /// <summary>Names of that file which are not the present name without the D.</summary>
    private static readonly Dictionary<string, string> FormerNames = new(StringComparer.Ordinal)
    {
        ["FLANNEL_ETCD"] = "FLANNELD_ETCD_ENDPOINTS",
        ["FLANNEL_ETCD_KEY"] = "FLANNELD_ETCD_PREFIX",
    };

    public static IReadOnlyList<string> Compose(DaemonOptions options, IReadOnlyDictionary<string, string> environment)
    {
        var variables = Flags.All.Where(flag => flag.HasVariable).Select(flag => flag.EnvironmentName);
        var known = variables.Append(UnitOptions).ToHashSet(StringComparer.Ordinal);
        var accepted = Flags.Refused.Select(flag => flag.EnvironmentName).ToHashSet(StringComparer.Ordinal);
        var lines = new List<string>();
        foreach (var name in environment.Keys.Order(StringComparer.Ordinal))
        {
            if (known.Contains(name) || accepted.Contains(name)) continue;
            if (FormerName(name, known) is { } present)
                lines.Add(
                    $"{name} is not read: this name is of an older package; write {present}{(present == UnitOptions ? " (flags)" : "")}");
            else if (name.StartsWith(ByteOrderMark) && known.Contains(name[1..]))
                lines.Add(
                    $"{name[1..]} is not read: a byte order mark is before its name; save the file that sets it as UTF-8 without BOM");
            // Not an error: Kubernetes makes such names of a Service's, too.
            else if (name.StartsWith(Flag.EnvironmentPrefix, StringComparison.Ordinal)) lines.Add(Unknown(name, known));
        }

        if (!options.EtcdKeys.Prefix.StartsWith('/'))
            lines.Add(WithoutSlash(options.EtcdKeys.Prefix));
        return lines;
    }

    private static string WithoutSlash(string prefix) =>
        $"--etcd-prefix \"{prefix}\" does not begin with '/': in etcd that is another key than \"/{prefix}\";"
        + " write the slash, unless the keys are there without it";

    private static string? FormerName(string name, HashSet<string> known)
    {
        if (!name.StartsWith(FormerPrefix, StringComparison.Ordinal)) return null;
        var present = FormerNames.GetValueOrDefault(name) ?? Flag.EnvironmentPrefix + name[FormerPrefix.Length..];
        return known.Contains(present) ? present : null;
    }

    private static string Unknown(string name, HashSet<string> known)
    {
        var advice = Suggestion.For(name, known) is { } nearest ? $"did you mean {nearest}?" : "see --help";
        return $"{Redaction.Value(name)} is not a setting and is not read: {advice}";
    }
}
