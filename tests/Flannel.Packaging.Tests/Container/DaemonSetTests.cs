using Flannel.EndToEnd.Tests;
using Flannel.Packaging.Tests.Cloud;
using Flannel.Testbed;
using k8s;
using k8s.Models;

namespace Flannel.Packaging.Tests.Container;

/// <summary>packaging/container/daemonset.yaml, read with the types of the Kubernetes client; the executable parses its flags.</summary>
public sealed class DaemonSetTests
{
    private static readonly List<object> objects = KubernetesYaml.LoadAllFromString(
        File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "daemonset.yaml")), strict: true);

    /// <summary>In place of the field of the pod.</summary>
    private const string NodeAddress = "192.168.1.21";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static V1DaemonSet DaemonSet => objects.OfType<V1DaemonSet>().Single();

    private static V1PodSpec Pod => DaemonSet.Spec.Template.Spec;

    private static V1Container Daemon => Pod.Containers.Single(container => container.Name == "flanneld");

    [Fact]
    public void The_manifest_has_a_namespace_a_config_map_and_a_daemon_set_that_selects_its_own_pods()
    {
        Assert.Equal(["V1Namespace", "V1ConfigMap", "V1DaemonSet"], objects.Select(item => item.GetType().Name));
        Assert.Equal(DaemonSet.Spec.Selector.MatchLabels, DaemonSet.Spec.Template.Metadata.Labels);
        var ns = objects.OfType<V1Namespace>().Single();
        Assert.All(new[] { DaemonSet.Metadata, objects.OfType<V1ConfigMap>().Single().Metadata },
            metadata => Assert.Equal(ns.Metadata.Name, metadata.NamespaceProperty));
        // Other pod security levels refuse the host's network and folders.
        Assert.Equal("privileged", ns.Metadata.Labels["pod-security.kubernetes.io/enforce"]);
    }

    [Fact]
    public void The_manifest_for_vxlan_differs_in_image_capability_and_masquerading_only()
    {
        var vxlan = KubernetesYaml.LoadAllFromString(Read("daemonset-vxlan.yaml"), strict: true);
        var expected = KubernetesYaml.LoadAllFromString(Read("daemonset.yaml"), strict: true);
        var pod = expected.OfType<V1DaemonSet>().Single().Spec.Template.Spec;
        var daemon = pod.Containers.Single(container => container.Name == "flanneld");
        daemon.Image += "-tools";
        daemon.Args.Add("--ip-masq");
        daemon.SecurityContext.Capabilities.Add = ["NET_ADMIN"];
        Assert.Equal(KubernetesYaml.SerializeAll(expected), KubernetesYaml.SerializeAll(vxlan));

        static string Read(string name) => File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", name));
    }

    [Fact]
    public void A_field_unknown_to_Kubernetes_is_refused() =>
        Assert.ThrowsAny<Exception>(() =>
            KubernetesYaml.LoadAllFromString("apiVersion: v1\nkind: Namespace\nmetadata:\n  nmae: flannel\n", strict: true));

    [Fact]
    public async Task The_executable_accepts_all_flags_and_variables()
    {
        Require.NativeExecutable();
        Assert.Equal(0, (await ParseAsync(Daemon.Args, Daemon.Env)).ExitCode);
        // An unknown flag exits with 2: the exit code depends on the flags.
        Assert.Equal(2, (await ParseAsync([.. Daemon.Args, "--etcd-cefile=/x"], Daemon.Env)).ExitCode);
        var help = await ProcessCommand.RunAsync(new ProgramStart(Locations.Flanneld, ["--help"]), Cancel);
        Assert.All(Daemon.Env, variable => Assert.Contains($"--{variable.Name["FLANNELD_".Length..].ToLowerInvariant().Replace('_', '-')} ",
            help, StringComparison.Ordinal));
    }

    [Fact]
    public void The_daemon_runs_without_privileges_and_writes_only_its_folder_and_that_of_CNI()
    {
        Assert.True(Pod.HostNetwork);
        Assert.False(Pod.AutomountServiceAccountToken);
        Assert.Null(Pod.InitContainers);
        Assert.Single(Pod.Containers);
        Assert.Equal("RuntimeDefault", Pod.SecurityContext.SeccompProfile.Type);
        Assert.Equal((0, 0), (Pod.SecurityContext.RunAsUser, Pod.SecurityContext.RunAsGroup));
        Assert.Equal((true, false, null), (Daemon.SecurityContext.ReadOnlyRootFilesystem,
            Daemon.SecurityContext.AllowPrivilegeEscalation, Daemon.SecurityContext.Privileged));
        Assert.Equal(["ALL"], Daemon.SecurityContext.Capabilities.Drop);
        Assert.Null(Daemon.SecurityContext.Capabilities.Add);
        Assert.Equal(["/run/flannel", "/etc/cni/net.d"],
            Daemon.VolumeMounts.Where(mount => mount.ReadOnlyProperty != true).Select(mount => mount.MountPath));
        Assert.Contains("--install-cni=/etc/cni/net.d", Daemon.Args);
    }

    [Fact]
    public void Every_mount_has_its_volume_and_every_file_of_a_flag_its_mount()
    {
        var volumes = Pod.Volumes.Select(volume => volume.Name).ToHashSet();
        Assert.All(Pod.Containers.SelectMany(container => container.VolumeMounts),
            mount => Assert.Contains(mount.Name, volumes));
        var files = Daemon.Args.Where(argument => argument.Contains("file=", StringComparison.Ordinal))
            .Select(argument => argument.Split('=')[1]).ToList();
        Assert.Equal(3, files.Count);
        Assert.All(files, file => Assert.Contains(Daemon.VolumeMounts, mount => mount.Name == "etcd"
            && file.StartsWith(mount.MountPath + "/", StringComparison.Ordinal)));
        // Only root may read the secret.
        Assert.Equal(Convert.ToInt32("400", 8), Pod.Volumes.Single(volume => volume.Name == "etcd").Secret.DefaultMode);
        var config = objects.OfType<V1ConfigMap>().Single();
        Assert.All(Daemon.Env.Where(variable => variable.ValueFrom?.ConfigMapKeyRef is not null),
            variable => Assert.Contains(variable.ValueFrom.ConfigMapKeyRef.Key, config.Data.Keys));
    }

    [Fact]
    public void The_probes_use_the_health_address_of_the_daemon()
    {
        // Without a host, the kubelet connects to the address of the pod, which is that of the node.
        Assert.True(Pod.HostNetwork);
        Assert.Equal("status.podIP", Daemon.Env.Single(variable => variable.Name == "FLANNELD_HEALTHZ_IP").ValueFrom.FieldRef.FieldPath);
        var port = Assert.Single(Daemon.Ports);
        Assert.Equal(Daemon.Env.Single(variable => variable.Name == "FLANNELD_HEALTHZ_PORT").Value, $"{port.ContainerPort}");
        Assert.Equal(("/healthz", port.Name, null),
            (Daemon.LivenessProbe.HttpGet.Path, Daemon.LivenessProbe.HttpGet.Port.Value, Daemon.LivenessProbe.HttpGet.Host));
        Assert.Equal(("/readyz", port.Name, null),
            (Daemon.ReadinessProbe.HttpGet.Path, Daemon.ReadinessProbe.HttpGet.Port.Value, Daemon.ReadinessProbe.HttpGet.Host));
    }

    [Fact]
    public void The_pod_monitor_selects_the_pods_and_their_port()
    {
        var monitor = Templates.Yaml(File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "podmonitor.yaml")));
        Assert.Equal(
            ("monitoring.coreos.com/v1", "PodMonitor"),
            (monitor["apiVersion"]!.GetValue<string>(), monitor["kind"]!.GetValue<string>()));
        Assert.Equal(DaemonSet.Metadata.NamespaceProperty, monitor["metadata"]!["namespace"]!.GetValue<string>());
        var selected = monitor["spec"]!["selector"]!["matchLabels"]!.AsObject();
        Assert.Equal(
            DaemonSet.Spec.Template.Metadata.Labels, selected.ToDictionary(label => label.Key, label => label.Value!.GetValue<string>()));
        Assert.Contains(monitor["spec"]!["jobLabel"]!.GetValue<string>(), DaemonSet.Spec.Template.Metadata.Labels.Keys);
        var endpoint = Assert.Single(monitor["spec"]!["podMetricsEndpoints"]!.AsArray())!;
        Assert.Equal((Assert.Single(Daemon.Ports).Name, "/metrics"),
            (endpoint["port"]!.GetValue<string>(), endpoint["path"]!.GetValue<string>()));
    }

    /// <summary>With --version the executable parses all flags and variables and starts nothing.</summary>
    private static Task<CommandResult> ParseAsync(IEnumerable<string> arguments, IEnumerable<V1EnvVar> variables)
    {
        var config = objects.OfType<V1ConfigMap>().Single();
        return ProcessCommand.TryRunAsync(new ProgramStart(Locations.Flanneld, [.. arguments, "--version"])
        {
            Environment = variables.ToDictionary(variable => variable.Name, variable => variable.Value
                ?? (variable.ValueFrom.FieldRef is null ? config.Data[variable.ValueFrom.ConfigMapKeyRef.Key] : NodeAddress)),
        }, Cancel);
    }
}
