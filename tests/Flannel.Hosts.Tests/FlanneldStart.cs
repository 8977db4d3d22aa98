using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>Starts flanneld as its unit does: with the PATH of systemd, and for --ip-masq with the capability of the drop-in.</summary>
internal static class FlanneldStart
{
    private static readonly Dictionary<string, string> environment = new() { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" };

    /// <param name="forwards">Whether it sets its own forwarding rules if it may.</param>
    public static Task<DaemonProcess> StartAsync(EcsInstance instance, bool masquerades, bool forwards = true)
    {
        instance.HasNetAdmin = masquerades;
        List<string> arguments = [$"--iptables-forward-rules={(forwards && masquerades ? "true" : "false")}"];
        if (masquerades) arguments.Add("--ip-masq");
        arguments.Add($"--install-cni={instance.Folder}");
        return instance.StartDaemonAsync(arguments, environment);
    }
}
