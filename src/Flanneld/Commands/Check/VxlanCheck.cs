using Flannel.HostNetwork;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;
using Flanneld.Commands.Check.Facts;
using Flanneld.Host;

namespace Flanneld.Commands.Check;

/// <summary>Checks what backend vxlan needs on this host: commands, capability, kernel module.</summary>
/// <param name="commands">Only shows devices.</param>
internal sealed class VxlanCheck(IHostCommands commands, HostFiles files, CheckSection results)
{
    /// <param name="fallbackInterface">The interface between the hosts if the tunnel is the fallback of backend ali-vpc; else null.</param>
    public async Task RunAsync(VxlanBackendConfig tunnel, string? fallbackInterface, CancellationToken cancellation)
    {
        foreach (var program in new[] { "ip", "bridge" })
        {
            var version = await commands.RunAsync(program, ["-Version"], "", cancellation);
            results.Add(version.Ok
                ? CheckResult.Ok(CheckKind.VxlanCommand, version.Value.Trim())
                : CheckResult.Problem(CheckKind.VxlanCommand, version.Error, ProgramFolders.OfThisHost().Advise(Iproute2.Package)));
        }

        CheckCapability();
        CheckModule();
        results.Add(CheckResult.Note(
            CheckKind.VxlanSettings, $"{tunnel}; the security group must allow UDP port {tunnel.Port} between the nodes"));
        if (fallbackInterface is not null) CheckReversePathFilter(fallbackInterface, VxlanDevice.NameOf(tunnel.Vni));
    }

    private void CheckReversePathFilter(string @interface, string device)
    {
        var settings = new KernelSettings(files.PathOf("/proc/sys"));
        // A device that does not exist yet gets the default.
        if (!files.Exists($"/proc/sys/net/ipv4/conf/{device}")) device = "default";
        foreach (var problem in ContainerSettings.FindFallbackProblems(settings, [@interface, device]))
        {
            results.Add(CheckResult.Warning(
                CheckKind.Sysctls, problem.ToString(),
                $"sysctl -w {problem.Name}={problem.Required} and a file in /etc/sysctl.d, or --set-sysctls"));
        }
    }

    private void CheckCapability()
    {
        var kind = CheckKind.VxlanCapability;
        results.Add(ProcessCapabilities.HasNetAdmin() == true
            ? CheckResult.Ok(kind, "this process has CAP_NET_ADMIN")
            : CheckResult.Problem(
                kind, "this process has no CAP_NET_ADMIN",
                "give the daemon the drop-in vxlan.conf (/usr/share/doc/flanneld/examples); run the check as root"));
    }

    /// <summary>The module is loaded when the device is created, if the host has it.</summary>
    private void CheckModule()
    {
        var kind = CheckKind.VxlanModule;
        var modules = new KernelModules(files);
        results.Add(modules.Find("vxlan") switch
        {
            ModuleState.Present => CheckResult.Ok(kind, "the kernel has vxlan"),
            ModuleState.Loadable =>
                CheckResult.Ok(kind, $"kernel {modules.ReadRelease()} has the module vxlan, which is loaded when it is needed"),
            ModuleState.Missing => CheckResult.Problem(
                kind, $"kernel {modules.ReadRelease()} has no module vxlan", "install the package with the kernel's further modules"),
            _ => CheckResult.Unknown(kind, $"no list of modules of kernel {modules.ReadRelease()}, as in a container"),
        });
    }
}
