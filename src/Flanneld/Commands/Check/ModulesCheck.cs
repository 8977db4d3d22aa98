using Flanneld.Commands.Check.Facts;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>Checks the kernel modules that masquerading and bridges need. That of VXLAN is a part of <see cref="VxlanCheck"/>.</summary>
internal sealed class ModulesCheck(HostFiles files, DaemonOptions options, CheckSection results)
{
    public void Run()
    {
        var kind = CheckKind.KernelModules;
        var modules = new KernelModules(files);
        if (options.IpMasq)
        {
            results.Add(modules.Find("nf_tables") switch
            {
                ModuleState.Present or ModuleState.Loadable => CheckResult.Ok(kind, "nf_tables, for --ip-masq"),
                ModuleState.Missing when modules.Find("ip_tables") is ModuleState.Present or ModuleState.Loadable =>
                    CheckResult.Ok(kind, "ip_tables, for --ip-masq"),
                ModuleState.Missing => CheckResult.Problem(
                    kind, $"kernel {modules.ReadRelease()} has neither nf_tables nor ip_tables, and --ip-masq needs one of them",
                    "install the package with the kernel's further modules"),
                _ => CheckResult.Unknown(kind, $"no list of modules of kernel {modules.ReadRelease()}, as in a container"),
            });
        }

        // The kernel shows the settings of a bridge only while br_netfilter is loaded.
        if (files.Exists($"/sys/class/net/{ContainerBridge.Cni}") && !files.Exists("/proc/sys/net/bridge"))
        {
            results.Add(CheckResult.Note(
                kind, "br_netfilter is not loaded: rules of iptables, such as those of kube-proxy, do not see packets inside"
                + $" {ContainerBridge.Cni}"));
        }
    }
}
