using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Starts flanneld as its unit does: with the PATH of systemd, and for --ip-masq with the capability of the drop-in.</summary>
internal static class FlanneldStart
{
    private static readonly Dictionary<string, string> environment = new() { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" };

    public static Task<DaemonProcess> StartAsync(EcsInstance instance, bool masquerades)
    {
        instance.HasNetAdmin = masquerades;
        return instance.StartDaemonAsync(masquerades ? ["--ip-masq"] : [], environment);
    }
}
