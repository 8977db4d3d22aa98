using Flannel.HostNetwork;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks this host: interface, MTU, kernel settings and modules, command line.</summary>
internal sealed class HostCheck(DaemonOptions options, HostFiles files, CheckSection results)
{
    /// <returns>The interface between the hosts; null when none can be selected.</returns>
    public SelectedInterface? Run()
    {
        var selected = CheckInterface();
        if (selected is not null)
        {
            CheckKernelSettings(selected);
            new MtuCheck(options, selected, results).CheckInterface();
        }

        new ModulesCheck(files, options, results).Run();

        if (options.IsPasswordOnCommandLine)
        {
            results.Add(CheckResult.Warning(
                CheckKind.EtcdPassword, "is on the command line, visible to every user of this host", "use --etcd-password-file"));
        }

        return selected;
    }

    private SelectedInterface? CheckInterface()
    {
        var result = InterfaceSelection.OfThisHost().Select(options);
        if (!result.Ok)
        {
            results.Add(CheckResult.Problem(CheckKind.Interface, result.Error, "choose one with --iface"));
            return null;
        }

        var selected = result.Value;
        results.Add(CheckResult.Ok(
            CheckKind.Interface,
            $"{selected.Interface.Name} {selected.Address}, MTU {selected.Interface.Mtu}, public address {selected.PublicIp}"));
        return selected;
    }

    /// <summary>Docker and most CNI set-ups set the first when they start.</summary>
    private void CheckKernelSettings(SelectedInterface selected)
    {
        var problems = HostSettings.FindProblems(new KernelSettings(), selected);
        if (problems.Count == 0) results.Add(CheckResult.Ok(CheckKind.Sysctls, "let packets of containers pass"));
        Report(problems);
    }

    /// <summary>What a dual-stack configuration needs.</summary>
    public void CheckIpv6(SelectedInterface selected)
    {
        var kind = CheckKind.Ipv6;
        var address = options.PublicIpv6 ?? selected.Ipv6Address;
        results.Add(address is { } found
            ? CheckResult.Ok(kind, $"interface {selected.Interface.Name}, public address {found}")
            : CheckResult.Problem(
                kind, $"EnableIPv6 is true, and interface {selected.Interface.Name} has no IPv6 address other than link-local ones",
                "give it one, or choose another interface with --iface"));
        Report(HostSettings.FindIpv6Problems(new KernelSettings(), selected.Interface.Name));
    }

    private void Report(IEnumerable<SettingProblem> problems)
    {
        foreach (var problem in problems)
        {
            results.Add(CheckResult.Warning(
                CheckKind.Sysctls, problem.ToString(),
                $"sysctl -w {problem.Name}={problem.Required} and a file in /etc/sysctl.d, or --set-sysctls"));
        }
    }
}
