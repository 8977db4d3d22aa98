using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// Makes a machine's disk what an image of ECS is, for a first boot with cloud-init. Its generator, ds-identify with the list of all datasources, the
/// AliYun datasource, its modules and its units are the real ones. Four things are staged, because the machine is a container on some other host:
/// </summary>
/// <remarks>
/// <para>The DMI product name. Of a container's DMI cloud-init reads nothing, since it would be the host's. So the first program that runs in here
/// lays the name over /sys/class and takes the word "container" out of the environment, before it becomes systemd.</para>
/// <para>The command systemd-detect-virt, and systemd's variable for its generators, say to cloud-init what they say on ECS: kvm. systemd itself knows that
/// it is in a container.</para>
/// <para>The network is there before the machine is, as there is no DHCP server: cloud-init is told to leave it alone. So its rendering of the
/// network from the metadata is not exercised here, nor is growing of the disk. No name server is reachable.</para>
/// <para>The machine may write the settings of its own network, below /proc/sys/net, as a virtual machine may.</para>
/// </remarks>
internal static class EcsImage
{
    private const UnixFileMode Program = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const string Init = """
        #!/bin/sh
        unset container
        mount -t overlay overlay -o lowerdir=/etc/ecs/class:/sys/class /sys/class
        mkdir /run/proc
        mount -t proc proc /run/proc
        mount --bind /run/proc/sys/net /proc/sys/net
        umount /run/proc
        : >/etc/resolv.conf
        exec /usr/lib/systemd/pid1/systemd "$@"

        """;

    private const string DetectVirt = """
        #!/bin/sh
        for option; do
            case $option in -c | --container) exit 1 ;; esac
        done
        echo kvm

        """;

    // A generator in /etc goes before the one of its name.
    private const string Generator = """
        #!/bin/sh
        SYSTEMD_VIRTUALIZATION=vm:kvm exec /usr/lib/systemd/system-generators/cloud-init-generator "$@"

        """;

    private const string CloudConfig = """
        network: {config: disabled}
        growpart: {mode: "off"}
        resize_rootfs: false
        locale: C.UTF-8

        """;

    /// <param name="lower">The root file system that is below.</param>
    /// <param name="folder">The machine's.</param>
    public static void Write(string lower, string folder)
    {
        Write(folder, "/etc/ecs/class/dmi/id/product_name", "Alibaba Cloud ECS\n");
        Write(folder, "/usr/lib/systemd/systemd", Init, Program);
        Write(folder, "/usr/lib/systemd/pid1/systemd", "", Program);
        File.Copy(Path.Combine(lower, "usr/lib/systemd/systemd"), SystemdMachine.PathOnDisk(folder, "/usr/lib/systemd/pid1/systemd"), overwrite: true);
        Write(folder, "/usr/bin/systemd-detect-virt", DetectVirt, Program);
        Write(folder, "/etc/systemd/system-generators/cloud-init-generator", Generator, Program);
        Write(folder, "/etc/cloud/cloud.cfg.d/90-test.cfg", CloudConfig);
        Write(folder, "/etc/hosts", "127.0.0.1 localhost\n");
        // No mirror is reachable from here: what the distribution has of user-data's packages is on the image.
        Write(folder, "/etc/apt/sources.list", "");
    }

    private static void Write(string folder, string path, string text, UnixFileMode? mode = null)
    {
        var file = SystemdMachine.PathOnDisk(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        if (mode is { } bits)
        {
            File.SetUnixFileMode(file, bits);
        }
    }
}
