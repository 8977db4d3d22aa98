using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// Prepares the disk of a machine like an ECS image for the first boot with cloud-init. The generator, ds-identify with all datasources,
/// the AliYun datasource, the modules and the units are the real ones. Four differences remain because the machine is a container:
/// </summary>
/// <remarks>
/// <para>cloud-init ignores the DMI data of a container, which are those of the host. The init program mounts the product name over
/// /sys/class and removes the variable "container" from the environment before it starts systemd.</para>
/// <para>systemd-detect-virt and systemd's variable for generators report kvm to cloud-init, as on ECS. systemd itself detects the
/// container.</para>
/// <para>The network is configured before the boot, without a DHCP server, and its configuration by cloud-init is disabled, as is growing
/// of the disk. Both are therefore not tested. There is no DNS server.</para>
/// <para>The machine may write below /proc/sys/net, as a virtual machine may.</para>
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

    // A generator in /etc overrides the one of the same name in /usr.
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

    /// <param name="lower">The root file system below the overlay.</param>
    /// <param name="folder">The folder of the machine.</param>
    public static void Write(string lower, string folder)
    {
        Write(folder, "/etc/ecs/class/dmi/id/product_name", "Alibaba Cloud ECS\n");
        Write(folder, "/usr/lib/systemd/systemd", Init, Program);
        Write(folder, "/usr/lib/systemd/pid1/systemd", "", Program);
        File.Copy(Path.Combine(lower, "usr/lib/systemd/systemd"),
            SystemdMachine.PathOnDisk(folder, "/usr/lib/systemd/pid1/systemd"), overwrite: true);
        Write(folder, "/usr/bin/systemd-detect-virt", DetectVirt, Program);
        Write(folder, "/etc/systemd/system-generators/cloud-init-generator", Generator, Program);
        Write(folder, "/etc/cloud/cloud.cfg.d/90-test.cfg", CloudConfig);
        Write(folder, "/etc/hosts", "127.0.0.1 localhost\n");
        // No mirror is reachable: the image contains the packages of the distribution that the user data needs.
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
