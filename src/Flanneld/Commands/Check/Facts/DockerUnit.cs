using System.Text.RegularExpressions;
using Flanneld.Host;

namespace Flanneld.Commands.Check.Facts;

/// <summary>What the unit of Docker and its drop-ins pass on to Docker. Reads the files: systemd may not run where the check
/// runs.</summary>
/// <param name="PassesSubnet">Docker gets <c>--bip</c> and <c>--mtu</c> from <c>subnet.env</c>.</param>
/// <param name="PassesIpMasq">Docker gets <c>--ip-masq</c>, too.</param>
/// <param name="AcceptsForwarded">The drop-in makes rules in DOCKER-USER.</param>
/// <param name="DisablesRawRules">Docker 28 makes no rules in the table raw.</param>
internal sealed partial record DockerUnit(bool PassesSubnet, bool PassesIpMasq, bool AcceptsForwarded, bool DisablesRawRules)
{
    public const string RawVariable = "DOCKER_INSECURE_NO_IPTABLES_RAW=1";

    private static readonly string[] Folders =
        ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

    public static DockerUnit Read(HostFiles files)
    {
        var text = string.Concat(Folders.SelectMany(folder => PathsIn(files, folder)).Distinct().Select(files.Read));
        var lines = string.Join('\n', text.Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
        var passesSubnet = lines.Contains("mk-docker-opts.sh", StringComparison.Ordinal)
            || lines.Contains("--bip", StringComparison.Ordinal);
        return new DockerUnit(
            passesSubnet, passesSubnet && !OmitsIpMasq().IsMatch(lines), lines.Contains("DOCKER-USER", StringComparison.Ordinal),
            lines.Contains(RawVariable, StringComparison.Ordinal));
    }

    private static IEnumerable<string> PathsIn(HostFiles files, string folder)
    {
        yield return $"{folder}/docker.service";
        foreach (var name in files.List($"{folder}/docker.service.d"))
        {
            if (name.EndsWith(".conf", StringComparison.Ordinal)) yield return $"{folder}/docker.service.d/{name}";
        }
    }

    [GeneratedRegex(@"mk-docker-opts\.sh[^\n]* -[a-z]*m")]
    private static partial Regex OmitsIpMasq();
}
