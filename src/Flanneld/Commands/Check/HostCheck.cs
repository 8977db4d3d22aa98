using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks this host: interface, forwarding, command line.</summary>
internal sealed class HostCheck(DaemonOptions options, CheckReport report)
{
    /// <returns>The interface between the hosts; null when none can be selected.</returns>
    public SelectedInterface? Run()
    {
        var selected = CheckInterface();
        CheckForwarding();
        if (options.IsPasswordOnCommandLine)
        {
            report.Add(CheckResult.Warning(
                "etcd password", "is on the command line, visible to every user of this host", "use --etcd-password-file"));
        }

        return selected;
    }

    private SelectedInterface? CheckInterface()
    {
        var result = InterfaceSelection.OfThisHost().Select(options);
        if (!result.Ok)
        {
            report.Add(CheckResult.Problem("interface", result.Error, "choose one with --iface"));
            return null;
        }

        var selected = result.Value;
        report.Add(CheckResult.Ok(
            "interface",
            $"{selected.Interface.Name} {selected.Address}, MTU {selected.Interface.Mtu}, public address {selected.PublicIp}"));
        return selected;
    }

    private void CheckForwarding()
    {
        const string path = "/proc/sys/net/ipv4/ip_forward";
        try
        {
            report.Add(File.ReadAllText(path).Trim() == "1"
                ? CheckResult.Ok("forwarding", "net.ipv4.ip_forward is 1")
                : CheckResult.Warning(
                    "forwarding", "net.ipv4.ip_forward is 0: this node forwards no packet of a container",
                    "sysctl -w net.ipv4.ip_forward=1, and a file in /etc/sysctl.d (Docker and most CNI set-ups do it)"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            report.Add(CheckResult.Note("forwarding", $"{path} cannot be read"));
        }
    }
}
