using Flannel.HostNetwork;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Backends;

namespace Flanneld.Commands.Check;

/// <summary>Checks what backend vxlan needs on this host: commands, capability, kernel module.</summary>
/// <param name="commands">Only shows devices.</param>
internal sealed class VxlanCheck(IHostCommands commands, CheckReport report)
{
    private const string Subject = "vxlan";

    /// <param name="fallbackInterface">The interface between the hosts if the tunnel is the fallback of backend ali-vpc; else null.</param>
    public async Task RunAsync(VxlanBackendConfig tunnel, string? fallbackInterface, CancellationToken cancellation)
    {
        foreach (var program in new[] { "ip", "bridge" })
        {
            var version = await commands.RunAsync(program, ["-Version"], "", cancellation);
            report.Add(version.Ok
                ? CheckResult.Ok($"{Subject} command", version.Value.Trim())
                : CheckResult.Problem($"{Subject} command", version.Error, ProgramFolders.OfThisHost().Advise(Iproute2.Package)));
        }

        CheckCapability();
        CheckModule();
        report.Add(CheckResult.Note(
            $"{Subject} settings", $"{tunnel}; the security group must allow UDP port {tunnel.Port} between the nodes"));
        if (fallbackInterface is not null) CheckReversePathFilter(fallbackInterface, VxlanDevice.NameOf(tunnel.Vni));
    }

    private void CheckReversePathFilter(string @interface, string device)
    {
        foreach (var problem in ContainerSettings.FindFallbackProblems(new KernelSettings(), [@interface, device]))
        {
            report.Add(CheckResult.Warning(
                "sysctls", problem.ToString(),
                $"sysctl -w {problem.Name}={problem.Required} and a file in /etc/sysctl.d, or --set-sysctls"));
        }
    }

    private void CheckCapability()
    {
        const string subject = $"{Subject} capability";
        report.Add(ProcessCapabilities.HasNetAdmin() == true
            ? CheckResult.Ok(subject, "this process has CAP_NET_ADMIN")
            : CheckResult.Problem(
                subject, "this process has no CAP_NET_ADMIN",
                "give the daemon the drop-in vxlan.conf (/usr/share/doc/flanneld/examples); run the check as root"));
    }

    /// <summary>The module is loaded when the device is created, if the host has it.</summary>
    private void CheckModule()
    {
        const string subject = $"{Subject} module";
        if (Directory.Exists("/sys/module/vxlan"))
        {
            report.Add(CheckResult.Ok(subject, "the kernel has vxlan"));
            return;
        }

        var release = KernelFile.Read("/proc/sys/kernel/osrelease")?.Trim() ?? "";
        var folder = $"/lib/modules/{release}";
        string?[] lists = [KernelFile.Read($"{folder}/modules.dep"), KernelFile.Read($"{folder}/modules.builtin")];
        if (lists.All(list => list is null))
            report.Add(CheckResult.Note(subject, $"not checked: no list of modules of kernel {release}"));
        else if (lists.Any(list => list?.Contains("/vxlan.ko", StringComparison.Ordinal) == true))
            report.Add(CheckResult.Ok(subject, $"kernel {release} has the module vxlan, which is loaded when it is needed"));
        else
        {
            report.Add(CheckResult.Problem(
                subject, $"kernel {release} has no module vxlan", "install the package with the kernel's further modules"));
        }
    }
}
