using System.Text.RegularExpressions;
using Flannel.Testbed;
using k8s;
using k8s.Models;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The commands of docs/kubernetes.md for kubectl: verbs and flags exist in Debian's kubectl, and what they name is in the
/// manifest. No cluster runs them.</summary>
public sealed partial class KubectlPageTests
{
    private static readonly string manifest = File.ReadAllText(
        Path.Combine(Locations.Repository(), "packaging", "container", "daemonset.yaml"));

    private static readonly List<object> objects = KubernetesYaml.LoadAllFromString(manifest, strict: true);

    public static TheoryData<string> Commands =>
        [.. MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "docs", "kubernetes.md"))
            .Where(block => block.Kind == "kubectl")
            .SelectMany(block => block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Verb_and_flags_exist(string command)
    {
        var unavailable = await DebianRoot.UnavailableAsync(TestContext.Current.CancellationToken, DebianRootKind.Pages);
        Assert.SkipWhen(unavailable is not null, unavailable ?? "");
        var words = MarkdownBlocks.Words(command.Split(" -- ")[0]);
        Assert.Equal("kubectl", words[0]);
        // The flag before the verb has its value in a word of its own.
        var verb = words.Skip(1).SkipWhile(word => word == "--namespace" || word == Namespace.Metadata.Name).First();
        var help = await KubectlAsync(verb == "create" ? ["create", "secret", "generic"] : [verb]) + await KubectlAsync("options");
        Assert.All(
            words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).Select(word => word.Split('=')[0]),
            flag => Assert.Matches($@"(^|\s){Regex.Escape(flag)}[=:\s]", help));
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void What_a_command_names_is_in_the_manifest(string command)
    {
        foreach (Match file in FileName().Matches(command))
            Assert.True(File.Exists(Path.Combine(Locations.Repository(), "packaging", "container", file.Groups[1].Value)), file.Value);
        foreach (Match ns in NamespaceName().Matches(command)) Assert.Equal(Namespace.Metadata.Name, ns.Groups[1].Value);
        foreach (Match name in DaemonSetName().Matches(command)) Assert.Equal(DaemonSet.Metadata.Name, name.Groups[1].Value);
        foreach (Match name in ContainerName().Matches(command))
            Assert.Contains(DaemonSet.Spec.Template.Spec.Containers, container => container.Name == name.Groups[1].Value);
        foreach (Match name in SecretName().Matches(command)) Assert.Contains(name.Groups[1].Value, manifest, StringComparison.Ordinal);
        foreach (Match key in SecretKey().Matches(command)) Assert.Contains($"/{key.Groups[1].Value}", manifest, StringComparison.Ordinal);
    }

    private static V1Namespace Namespace => objects.OfType<V1Namespace>().Single();

    private static V1DaemonSet DaemonSet => objects.OfType<V1DaemonSet>().Single();

    private static async Task<string> KubectlAsync(params string[] words) => await ProcessCommand.RunAsync(
        new ProgramStart("/usr/sbin/chroot", [await DebianRoot.FolderAsync(DebianRootKind.Pages), "kubectl", .. words,
            .. words is ["options"] ? (string[])[] : ["--help"]]), TestContext.Current.CancellationToken);

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
