using Flannel.Core;
using Flannel.HostNetwork;

namespace Flanneld.Options;

/// <summary>Finds accepted settings that are probably mistakes: one line each, for the daemon's log and <c>flanneld check</c>.</summary>
internal static class OptionWarnings
{
    /// <summary>The unit inserts its value, which is flags, into the command line.</summary>
    private const string UnitOptions = "FLANNELD_OPTIONS";

    /// <summary>The prefix in <c>/etc/sysconfig/flanneld</c> of Red Hat's flannel package.</summary>
    private const string FormerPrefix = "FLANNEL_";

    private const char ByteOrderMark = '\uFEFF';

    /// <summary>Names in that file that differ in more than the prefix.</summary>
    private static readonly Dictionary<string, string> FormerNames = new(StringComparer.Ordinal)
    {
        ["FLANNEL_ETCD"] = "FLANNELD_ETCD_ENDPOINTS",
        ["FLANNEL_ETCD_KEY"] = "FLANNELD_ETCD_PREFIX",
    };

    public static IReadOnlyList<string> Compose(DaemonOptions options, IReadOnlyDictionary<string, string> environment)
    {
        var variables = Flags.All.Where(flag => flag.HasVariable).Select(flag => flag.EnvironmentName);
        var known = variables.Append(UnitOptions).Append(ProgramFolders.ImageVariable).ToHashSet(StringComparer.Ordinal);
        var accepted = Flags.Unsupported.Select(flag => flag.EnvironmentName).ToHashSet(StringComparer.Ordinal);
        var lines = new List<string>();
        foreach (var name in environment.Keys.Order(StringComparer.Ordinal))
        {
            if (known.Contains(name) || accepted.Contains(name)) continue;
            if (FormerName(name, known) is { } present)
            {
                lines.Add(
                    $"{name} is not read: it is the name of an older package; use {present}{(present == UnitOptions ? " (flags)" : "")}");
            }
            else if (name.StartsWith(ByteOrderMark) && known.Contains(name[1..]))
            {
                lines.Add(
                    $"{name[1..]} is not read: a byte order mark precedes its name; save the file that sets it as UTF-8 without BOM");
            }
            else if (name.StartsWith(Flag.EnvironmentPrefix, StringComparison.Ordinal))
            {
                // Not an error: Kubernetes sets such variables for a Service of that name.
                lines.Add(Unknown(name, known));
            }
        }

        if (!options.IsKubeSubnetManager && !options.EtcdKeys.Prefix.StartsWith('/'))
            lines.Add(WithoutSlash(options.EtcdKeys.Prefix));
        lines.AddRange(options.IsKubeSubnetManager ? FindFlagsForEtcd(options) : FindFlagsForKubernetes(options));
        if (options is { IpMasqExclude.Count: > 0, IpMasq: false }) lines.Add("--ip-masq-exclude has no effect without --ip-masq");
        if (options is { InstallCniConf: not null, InstallCni: null })
            lines.Add("--install-cni-conf has no effect without --install-cni");
        return lines;
    }

    private static IEnumerable<string> FindFlagsForKubernetes(DaemonOptions options)
    {
        if (options.KubeApiUrl is not null || options.KubeconfigFile is not null)
            yield return "--kube-api-url and --kubeconfig-file have no effect without --kube-subnet-mgr";
        if (options.NetConfigPath != OptionDefaults.NetConfigPath)
        {
            yield return "--net-config-path has no effect without --kube-subnet-mgr:"
                + $" the network configuration is at {options.EtcdKeys.Config.ToStringUtf8()} in etcd";
        }
    }

    private static IEnumerable<string> FindFlagsForEtcd(DaemonOptions options)
    {
        List<string> given = [.. options.Sources.Select(source => source.Name).Distinct()
            .Where(name => name.StartsWith("--etcd-", StringComparison.Ordinal) || name == "--subnet-lease-renew-margin")];
        if (given.Count > 0)
        {
            yield return $"{string.Join(", ", given)} {(given.Count == 1 ? "has" : "have")} no effect with --kube-subnet-mgr:"
                + " the Kubernetes API is used instead of etcd";
        }
    }

    private static string WithoutSlash(string prefix) =>
        $"--etcd-prefix \"{prefix}\" does not begin with '/', which is another key in etcd than \"/{prefix}\";"
        + " add the slash unless the keys have none";

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
