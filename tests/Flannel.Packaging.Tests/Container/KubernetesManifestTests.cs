using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Flannel.EndToEnd.Tests;
using Flannel.Testbed;
using k8s;
using k8s.Models;

namespace Flannel.Packaging.Tests.Container;

/// <summary>packaging/kubernetes, read with the types of the Kubernetes client; the executable parses the variables.</summary>
public sealed partial class KubernetesManifestTests
{
    private static readonly string folder = Path.Combine(Locations.Repository(), "packaging", "kubernetes");
    private static readonly List<object> objects = Load(File.ReadAllText(Path.Combine(folder, "flanneld.yaml")));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static V1DaemonSet DaemonSet => Single<V1DaemonSet>(objects);

    private static V1PodSpec Pod => DaemonSet.Spec.Template.Spec;

    private static V1Container Daemon => Pod.Containers.Single();

    [Fact]
    public void All_objects_are_in_the_namespace_of_the_manifest_but_the_role_for_events()
    {
        var ns = Single<V1Namespace>(objects).Metadata;
        Assert.Equal("privileged", ns.Labels["pod-security.kubernetes.io/enforce"]);
        var inDefault = objects.OfType<IKubernetesObject<V1ObjectMeta>>()
            .Where(item => item is not (V1Namespace or V1ClusterRole or V1ClusterRoleBinding)
                && item.Metadata.NamespaceProperty != ns.Name);
        Assert.All(inDefault, item => Assert.Equal(("default", "flanneld-events"), (item.Metadata.NamespaceProperty, item.Metadata.Name)));
        Assert.Equal(2, inDefault.Count());
        Assert.Equal(DaemonSet.Spec.Selector.MatchLabels, DaemonSet.Spec.Template.Metadata.Labels);
        Assert.Equal(Single<V1ServiceAccount>(objects).Metadata.Name, Pod.ServiceAccountName);
    }

    [Fact]
    public void The_permissions_are_those_of_the_page_and_no_others()
    {
        var page = File.ReadAllText(Path.Combine(Locations.Repository(), "docs", "kubernetes.md"));
        var documented = PermissionRow().Matches(page).SelectMany(row => row.Groups[2].Value.Split(", "), (row, verb) =>
            $"{row.Groups[1].Value} {verb} {(row.Groups[4].Success ? row.Groups[4].Value : "cluster")}").Order();
        var granted = Single<V1ClusterRole>(objects).Rules.Select(rule => (rule, Scope: "cluster"))
            .Concat(objects.OfType<V1Role>().SelectMany(role => role.Rules, (role, rule) => (rule, Scope: role.Metadata.NamespaceProperty)))
            .SelectMany(each => each.rule.Resources.SelectMany(_ => each.rule.Verbs, (name, verb) => $"{name} {verb} {each.Scope}"))
            .Order();
        Assert.Equal(documented, granted);
        Assert.All(objects.OfType<V1RoleBinding>(), AssertBound);
        var binding = Single<V1ClusterRoleBinding>(objects);
        Assert.Equal((Single<V1ClusterRole>(objects).Metadata.Name, "ClusterRole"), (binding.RoleRef.Name, binding.RoleRef.Kind));
        AssertAccount(Assert.Single(binding.Subjects));
    }

    [Fact]
    public void Upstreams_account_gets_what_upstream_does_not_grant()
    {
        var upstream = Load(File.ReadAllText(Path.Combine(folder, "upstream-rbac.yaml")));
        Assert.All(upstream.OfType<V1RoleBinding>().SelectMany(binding => binding.Subjects),
            subject => Assert.Equal(("flannel", "kube-flannel"), (subject.Name, subject.NamespaceProperty)));
        string[] inUpstream = ["nodes", "nodes/status", "pods"];
        Assert.Equal(
            objects.OfType<V1Role>().SelectMany(role => role.Rules).SelectMany(Describe).Where(
                rule => !inUpstream.Contains(rule.Split(' ')[0])).Order(),
            upstream.OfType<V1Role>().SelectMany(role => role.Rules).SelectMany(Describe).Order());

        static IEnumerable<string> Describe(V1PolicyRule rule) =>
            rule.Resources.SelectMany(_ => rule.Verbs, (name, verb) => $"{name} {verb} {rule.ApiGroups.Single()}");
    }

    [Fact]
    public void The_daemon_runs_without_privileges_and_writes_two_folders()
    {
        Assert.True(Pod.HostNetwork);
        Assert.Null(Pod.InitContainers);
        Assert.Equal("system-node-critical", Pod.PriorityClassName);
        Assert.Equal((0, 0, "RuntimeDefault"),
            (Pod.SecurityContext.RunAsUser, Pod.SecurityContext.RunAsGroup, Pod.SecurityContext.SeccompProfile.Type));
        Assert.Equal((true, false, null), (Daemon.SecurityContext.ReadOnlyRootFilesystem,
            Daemon.SecurityContext.AllowPrivilegeEscalation, Daemon.SecurityContext.Privileged));
        Assert.Equal(["ALL"], Daemon.SecurityContext.Capabilities.Drop);
        Assert.Null(Daemon.SecurityContext.Capabilities.Add);
        Assert.Equal(["/run/flannel", "/etc/cni/net.d"],
            Daemon.VolumeMounts.Where(mount => mount.ReadOnlyProperty != true).Select(mount => mount.MountPath));
        // The conflist names subnet.env, and the plugins read it on the host.
        Assert.All(Daemon.VolumeMounts.Where(mount => mount.ReadOnlyProperty != true), mount =>
            Assert.Equal(mount.MountPath, Pod.Volumes.Single(volume => volume.Name == mount.Name).HostPath.Path));
        Assert.Equal(Single<V1ConfigMap>(objects).Metadata.Name, Pod.Volumes.Single(volume => volume.Name == "config").ConfigMap.Name);
        Assert.Equal("/etc/cni/net.d", Variable("FLANNELD_INSTALL_CNI").Value);
    }

    [Fact]
    public void Every_node_that_has_a_host_is_tolerated_and_virtual_nodes_are_left_out()
    {
        Assert.Equal(["NoSchedule Exists", "NoExecute Exists"], Pod.Tolerations.Select(each => $"{each.Effect} {each.OperatorProperty}"));
        var terms = Pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms.Single().MatchExpressions;
        Assert.Contains(terms, term => term is { Key: "type", OperatorProperty: "NotIn", Values: ["virtual-kubelet"] });
        Assert.Equal("10%", DaemonSet.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.Value);
    }

    [Fact]
    public void The_probes_and_the_pod_monitor_use_the_health_address_of_the_daemon()
    {
        Assert.Equal("status.podIP", Variable("FLANNELD_HEALTHZ_IP").ValueFrom.FieldRef.FieldPath);
        var port = Assert.Single(Daemon.Ports);
        Assert.Equal(Variable("FLANNELD_HEALTHZ_PORT").Value, $"{port.ContainerPort}");
        Assert.Equal(("/healthz", port.Name), (Daemon.LivenessProbe.HttpGet.Path, Daemon.LivenessProbe.HttpGet.Port.Value));
        Assert.Equal(("/readyz", port.Name), (Daemon.ReadinessProbe.HttpGet.Path, Daemon.ReadinessProbe.HttpGet.Port.Value));
        var monitor = File.ReadAllText(Path.Combine(Locations.Repository(), "packaging", "container", "podmonitor.yaml"));
        Assert.Contains($"port: {port.Name}", monitor, StringComparison.Ordinal);
        Assert.Contains($"namespace: {DaemonSet.Metadata.NamespaceProperty}", monitor, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_executable_accepts_all_variables()
    {
        Require.NativeExecutable();
        using var copy = new RunFolder("net-conf");
        var config = Path.Combine(copy.Path, "net-conf.json");
        await File.WriteAllTextAsync(config, Single<V1ConfigMap>(objects).Data["net-conf.json"], Cancel);
        var variables = Daemon.Env.ToDictionary(variable => variable.Name, variable => variable.Value ?? "192.168.1.21");
        Assert.Equal(0, (await RunAsync(variables)).ExitCode);
        variables["FLANNELD_HEALTHZ_PORT"] = "none";
        Assert.Equal(2, (await RunAsync(variables)).ExitCode);

        // The command parses the variables and needs no server.
        Task<CommandResult> RunAsync(IReadOnlyDictionary<string, string> variables) => ProcessCommand.TryRunAsync(
            new ProgramStart(Locations.Flanneld, ["config", "validate", config]) { Environment = variables }, Cancel);
    }

    [Fact]
    public void The_network_is_that_of_upstreams_manifest_with_backend_ali_vpc() => Assert.True(JsonNode.DeepEquals(
        JsonNode.Parse("""{"Network":"10.244.0.0/16","Backend":{"Type":"ali-vpc"}}"""),
        JsonNode.Parse(Single<V1ConfigMap>(objects).Data["net-conf.json"])));

    [Fact]
    public async Task The_command_of_the_page_adds_masquerading_and_nothing_else()
    {
        using var copy = new RunFolder("manifest");
        var file = Path.Combine(copy.Path, "flanneld.yaml");
        File.Copy(Path.Combine(folder, "flanneld.yaml"), file);
        var page = MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "docs", "kubernetes.md"));
        var line = page.SelectMany(block => block.Text.Split('\n')).Single(line => line.StartsWith("sed ", StringComparison.Ordinal));
        await ProcessCommand.RunAsync(
            new ProgramStart("/bin/sh", ["-c", line.Replace("flanneld.yaml", file, StringComparison.Ordinal)]), Cancel);

        var expected = Load(await File.ReadAllTextAsync(Path.Combine(folder, "flanneld.yaml"), Cancel));
        var daemon = Single<V1DaemonSet>(expected).Spec.Template.Spec.Containers.Single();
        daemon.Image += "-tools";
        daemon.Env.Insert(2, new V1EnvVar { Name = "FLANNELD_IP_MASQ", Value = "true" });
        daemon.SecurityContext.Capabilities.Add = ["NET_ADMIN"];
        Assert.Equal(
            KubernetesYaml.SerializeAll(expected), KubernetesYaml.SerializeAll(Load(await File.ReadAllTextAsync(file, Cancel))));
    }

    private static V1EnvVar Variable(string name) => Daemon.Env.Single(variable => variable.Name == name);

    private static void AssertBound(V1RoleBinding binding)
    {
        Assert.Contains(objects.OfType<V1Role>(), role => role.Metadata.Name == binding.RoleRef.Name
            && role.Metadata.NamespaceProperty == binding.Metadata.NamespaceProperty);
        AssertAccount(Assert.Single(binding.Subjects));
    }

    private static void AssertAccount(Rbacv1Subject subject)
    {
        var account = Single<V1ServiceAccount>(objects).Metadata;
        Assert.Equal(("ServiceAccount", account.Name, account.NamespaceProperty), (subject.Kind, subject.Name, subject.NamespaceProperty));
    }

    private static List<object> Load(string text) => KubernetesYaml.LoadAllFromString(text, strict: true);

    private static T Single<T>(List<object> of) => of.OfType<T>().Single();

    [GeneratedRegex(@"^\| `([a-z/]+)` \| ([a-z, ]+) \| (cluster|namespace `([a-z-]+)`) \|", RegexOptions.Multiline)]
    private static partial Regex PermissionRow();
}
