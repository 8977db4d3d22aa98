using Flannel.Core;
using Flannel.HostNetwork.Firewall;
using Flanneld.Commands.Check.Facts;

namespace Flanneld.Commands.Check;

/// <summary>Checks whether Docker uses the subnet of this node, and whether containers of other nodes reach its containers. Pure.</summary>
/// <param name="subnet">Null while this node has no subnet.</param>
internal sealed class DockerCheck(DockerHost docker, PublishedSubnet? subnet, CheckSection results)
{
    private const string InstallDropIn =
        "install the drop-in docker.conf or docker-io.conf of /usr/share/doc/flanneld/examples (docs/docker.md), then systemctl restart docker";

    /// <param name="rules">Of this host; fails if they cannot be read; null if that was not tried.</param>
    public void Run(Result<ForwardTrace>? rules)
    {
        results.Add(DescribeState());
        CheckSettings();
        CheckDropIn();
        CheckBridge();
        CheckDirectAccess(rules);
    }

    private CheckResult DescribeState() => docker.Version switch
    {
        { Ok: true } version => CheckResult.Ok(CheckKind.Docker, $"release {version.Value} runs"),
        { Ok: false } failed => CheckResult.Unknown(CheckKind.Docker, $"runs, and its release is not known: {failed.Error}"),
        null when docker.Process is not null => CheckResult.Unknown(CheckKind.Docker, "runs, and has no socket at /run/docker.sock"),
        null => CheckResult.Note(CheckKind.Docker, "does not run, as far as this user may see"),
    };

    private void CheckSettings()
    {
        var kind = CheckKind.DockerSettings;
        if (!docker.Settings.Ok)
        {
            results.Add(CheckResult.Unknown(kind, $"{DockerSettings.Path} {docker.Settings.Error}"));
            return;
        }

        var settings = docker.Settings.Value;
        var before = results.Results.Count;
        foreach (var invalid in settings.Invalid)
        {
            results.Add(CheckResult.Problem(
                kind, $"{invalid} in {DockerSettings.Path}: Docker does not start with it", "correct it, or remove it"));
        }

        if (docker.Unit.PassesSubnet) CheckConflicts(settings);
        else CheckValues(settings);
        if (settings.MakesRules == false)
        {
            results.Add(CheckResult.Warning(
                kind, "iptables is false: Docker makes no firewall rules",
                "let flanneld masquerade (ip-masq.conf), or set iptables to true"));
        }

        if (settings.FirewallBackend == "nftables")
            results.Add(CheckResult.Unknown(kind, "firewall-backend is nftables: it is not checked"));
        if (results.Results.Count == before) results.Add(CheckResult.Ok(kind, $"{DockerSettings.Path} does not conflict with flannel"));
    }

    /// <summary>Docker ends with "specified both as a flag and in the configuration file".</summary>
    private void CheckConflicts(DockerSettings settings)
    {
        List<string> given = [.. settings.GivenNames.Where(name => name != "ip-masq" || docker.Unit.PassesIpMasq)];
        if (given.Count == 0) return;
        var names = string.Join(" and ", given);
        results.Add(CheckResult.Problem(
            CheckKind.DockerSettings,
            $"{names} {(given.Count == 1 ? "is" : "are")} in {DockerSettings.Path}, and the drop-in passes the same as flags:"
            + " Docker does not start with both",
            $"remove {names} from {DockerSettings.Path}"));
    }

    private void CheckValues(DockerSettings settings)
    {
        if (subnet is null) return;
        if (settings.BridgeAddress is { } bridge && bridge != subnet.BridgeAddress)
        {
            results.Add(CheckResult.Problem(
                CheckKind.DockerSettings, $"bip is {bridge}, and this node's subnet is {subnet.BridgeAddress}",
                $"remove bip from {DockerSettings.Path}; {InstallDropIn}"));
        }

        if (settings.Mtu is { } mtu && subnet.Mtu is { } expected && mtu > expected)
        {
            results.Add(CheckResult.Warning(
                CheckKind.DockerSettings, $"mtu is {mtu}, and subnet.env says {expected}: larger packets are lost",
                $"set mtu to {expected}, or remove it and let the drop-in pass it"));
        }

        if (settings.Masquerades != false && subnet.IpMasq == true)
        {
            results.Add(CheckResult.Warning(
                CheckKind.DockerSettings, "Docker masquerades, and flanneld does, too: containers of other nodes see the node's address",
                $"set ip-masq to false in {DockerSettings.Path}, or let the drop-in pass it"));
        }
    }

    private void CheckDropIn()
    {
        var kind = CheckKind.DockerDropIn;
        if (docker.Unit is { PassesSubnet: true, AcceptsForwarded: true })
            results.Add(CheckResult.Ok(kind, "passes the subnet to Docker, and accepts the containers' traffic"));
        else if (docker.Unit.PassesSubnet)
            results.Add(CheckResult.Ok(kind, "passes the subnet to Docker; it makes no rules in DOCKER-USER"));
        else if (docker.Settings is { Ok: true, Value.BridgeAddress: not null })
        {
            results.Add(CheckResult.Warning(
                kind, $"there is none; bip in {DockerSettings.Path} does not follow a change of the subnet", InstallDropIn));
        }
        else
        {
            results.Add(CheckResult.Warning(kind, "no drop-in passes the subnet of this node to Docker", InstallDropIn));
        }
    }

    private void CheckBridge()
    {
        var kind = CheckKind.DockerBridge;
        if (docker.Bridge is not { } bridge) return;
        if (subnet is null)
        {
            results.Add(CheckResult.Unknown(kind, "not compared: this node has no subnet yet"));
            return;
        }

        if (bridge.Addresses.Contains(subnet.Gateway))
        {
            results.Add(CheckResult.Ok(kind, $"{bridge.Name} has {subnet.BridgeAddress}"));
            return;
        }

        var addresses = bridge.Addresses.Count > 0 ? string.Join(", ", bridge.Addresses) : "no address";
        results.Add(CheckResult.Problem(
            kind, $"{bridge.Name} has {addresses}, and this node's subnet is {subnet.BridgeAddress}",
            docker.Unit.PassesSubnet
                ? "systemctl daemon-reload, systemctl restart docker, and start the containers again"
                : InstallDropIn));
    }

    /// <summary>Docker 28 drops what other hosts send to the address of a container: in the table raw, unless a variable disables that,
    /// and in its own chain, unless DOCKER-USER accepts it before. The latter is a part of <see cref="ForwardCheck"/>.</summary>
    private void CheckDirectAccess(Result<ForwardTrace>? rules)
    {
        var kind = CheckKind.DockerDirectAccess;
        const string advice =
            $"set {DockerUnit.RawVariable} in Docker's environment (the drop-in does), and restart Docker";
        if (subnet is not null && rules is { Ok: true } && rules.Value.FindRawDrops(subnet.Subnet) is { Count: > 0 } drops)
        {
            var addresses = Plural.Of(drops.Count, "container address", "container addresses");
            var problem = CheckResult.Problem(kind, $"the table raw drops packets of other hosts to {addresses}", advice);
            results.Add(problem with { Lines = [.. drops.Take(3).Select(rule => $"-t raw -A PREROUTING {rule}")] });
            return;
        }

        if (docker.Process is null) return;
        switch (docker.DropsDirectAccess, docker.IsDirectAccessAllowed)
        {
            case (false, _):
                results.Add(CheckResult.Ok(kind, "this release has no rules against it"));
                break;
            case (_, true):
                results.Add(CheckResult.Ok(kind, "allowed: Docker makes no rules in the table raw"));
                break;
            case (true, false):
                results.Add(CheckResult.Problem(
                    kind, "Docker 28 and newer drop packets of other hosts to containers", advice));
                break;
            default:
                results.Add(CheckResult.Unknown(kind, "Docker's release or environment may not be read by this user"));
                break;
        }
    }
}
