using System.Text.RegularExpressions;
using Flannel.Testbed;
using k8s;
using k8s.Models;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The commands of docs/kubernetes.md for kubectl: verbs and flags exist in Debian's kubectl, and what they name is in the
/// manifest of their scenario. No cluster runs them.</summary>
public sealed partial class KubectlPageTests
{
    /// <summary>The manifests by the scenario of a block.</summary>
    private static readonly Dictionary<string, Manifest> manifests = new()
    {
        [""] = Manifest.Read("kubernetes", "flanneld.yaml"),
        ["migration"] = Manifest.Read("kubernetes", "flanneld.yaml"),
        ["etcd"] = Manifest.Read("container", "daemonset.yaml"),
    };

    public static TheoryData<string, string> Commands
    {
        get
        {
            var data = new TheoryData<string, string>();
            var page = Path.Combine(Locations.Repository(), "docs", "kubernetes.md");
            foreach (var block in MarkdownBlocks.Read(page).Where(block => block.Kind == "kubectl"))
            {
                foreach (var line in block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
                {
                    // KubernetesManifestTests runs sed.
                    if (!line.StartsWith("sed ", StringComparison.Ordinal)) data.Add(block.Scenario, line);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Verb_and_flags_exist(string scenario, string command)
    {
        var unavailable = await DebianRoot.UnavailableAsync(TestContext.Current.CancellationToken, DebianRootKind.Pages);
        Assert.SkipWhen(unavailable is not null, unavailable ?? "");
        var words = MarkdownBlocks.Words(command.Split(" -- ")[0]);
        Assert.Equal("kubectl", words[0]);
        Assert.Contains(scenario, manifests.Keys);
        // The flag before the verb has its value in a word of its own.
        string[] verb = [.. words.Skip(words[1] == "--namespace" ? 3 : 1).Take(1)];
        if (verb is ["create"]) verb = ["create", "secret", "generic"];
        if (verb is ["rollout"]) verb = ["rollout", words[Array.IndexOf(words, "rollout") + 1]];
        var help = await KubectlAsync(verb) + await KubectlAsync("options");
        Assert.All(
            words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).Select(word => word.Split('=')[0]),
            flag => Assert.Matches($@"(^|\s){Regex.Escape(flag)}[=:\s]", help));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_a_command_names_is_in_the_manifest(string scenario, string command)
    {
        var manifest = manifests[scenario];
        foreach (Match file in FileName().Matches(command))
            Assert.True(File.Exists(Path.Combine(manifest.Folder, file.Groups[1].Value)), file.Value);
        if (scenario == "migration" && DocumentedUpstreamNames.Any(name => command.EndsWith(name, StringComparison.Ordinal))) return;
        foreach (Match ns in NamespaceName().Matches(command))
            Assert.Contains(ns.Groups[1].Value, new[] { manifest.Namespace.Metadata.Name, "default" });
        foreach (Match name in DaemonSetName().Matches(command)) Assert.Equal(manifest.DaemonSet.Metadata.Name, name.Groups[1].Value);
        foreach (Match name in ContainerName().Matches(command))
            Assert.Contains(manifest.DaemonSet.Spec.Template.Spec.Containers, container => container.Name == name.Groups[1].Value);
        foreach (Match name in SecretName().Matches(command))
            Assert.Contains(name.Groups[1].Value, manifest.Text, StringComparison.Ordinal);
        foreach (Match key in SecretKey().Matches(command))
            Assert.Contains($"/{key.Groups[1].Value}", manifest.Text, StringComparison.Ordinal);
    }

    /// <summary>Objects of upstream's kube-flannel.yml, which the migration deletes.</summary>
    private static IEnumerable<string> DocumentedUpstreamNames =>
        ["daemonset kube-flannel-ds", "namespace kube-flannel", "clusterrole flannel", "clusterrolebinding flannel"];

    private static async Task<string> KubectlAsync(params string[] words) => await ProcessCommand.RunAsync(
        new ProgramStart("/usr/sbin/chroot", [await DebianRoot.FolderAsync(DebianRootKind.Pages), "kubectl", .. words,
            .. words is ["options"] ? (string[])[] : ["--help"]]), TestContext.Current.CancellationToken);

    private sealed record Manifest(string Folder, string Text, IReadOnlyList<object> Objects)
    {
        public V1Namespace Namespace => Objects.OfType<V1Namespace>().Single();

        public V1DaemonSet DaemonSet => Objects.OfType<V1DaemonSet>().Single();

        public static Manifest Read(string folder, string file)
        {
            var path = Path.Combine(Locations.Repository(), "packaging", folder);
            var text = File.ReadAllText(Path.Combine(path, file));
            return new Manifest(path, text, KubernetesYaml.LoadAllFromString(text, strict: true));
        }
    }

    [GeneratedRegex(@"--filename (\S+)")]
    private static partial Regex FileName();

    [GeneratedRegex(@"--namespace (\S+)")]
    private static partial Regex NamespaceName();

    [GeneratedRegex(@"\bdaemonset/(\S+)")]
    private static partial Regex DaemonSetName();

    [GeneratedRegex(@"--container (\S+)")]
    private static partial Regex ContainerName();

    [GeneratedRegex(@"create secret generic (\S+)")]
    private static partial Regex SecretName();

    [GeneratedRegex(@"--from-file=(\S+)")]
    private static partial Regex SecretKey();
}
