using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The commands of docs/kubernetes.md with this machine's kubectl on the API server of the test bed. Those that need a kubelet or
/// the controller manager are left out: <c>KubectlPageTests</c> checks their flags and names.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class KubectlTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    private const string Kubectl = "/usr/bin/kubectl";

    private static readonly string[] needsKubelet = [" rollout status ", " exec ", " delete namespace "];

    [Fact]
    public async Task The_commands_of_the_guide_succeed_and_show_what_flanneld_has_written()
    {
        Require.Program(Kubectl);
        await StartReadyAsync(0, QuickResync);
        await WaitForConditionAsync(0, FlannelIsUp);
        await PrepareUpstreamAsync();
        var folder = await CreateFolderAsync();

        var outputs = new Dictionary<string, string>();
        foreach (var command in Commands()) outputs[command] = await RunAsync(command, folder);

        Assert.True(outputs.Count >= 12, string.Join('\n', outputs.Keys));
        Assert.Contains(OutputOf("kubectl get nodes --output custom-columns"), line => line.Contains($"{Cluster.NameOf(0)}   {SubnetOf(0)}",
            StringComparison.Ordinal));
        Assert.Contains(OutputOf("kubectl describe nodes"), line => line.Contains("FlannelIsUp", StringComparison.Ordinal));
        Assert.Contains(OutputOf("kubectl get events"), line => line.Contains("CreatedRoute", StringComparison.Ordinal));
        Assert.All(OutputOf("kubectl apply --filename upstream-rbac.yaml"), line => Assert.EndsWith(" created", line));

        string[] OutputOf(string start) => outputs.First(pair => pair.Key.StartsWith(start, StringComparison.Ordinal)).Value
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IEnumerable<string> Commands()
    {
        var page = Path.Combine(Locations.Repository(), "docs", "kubernetes.md");
        return MarkdownBlocks.Read(page).Where(block => block.Kind == "kubectl")
            .SelectMany(block => block.Text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            .Where(line => !needsKubelet.Any(part => line.Contains(part, StringComparison.Ordinal))).Distinct();
    }

    /// <summary>What the migration deletes.</summary>
    private async Task PrepareUpstreamAsync()
    {
        await Admin.ApplyAsync(UpstreamManifest.RbacFor("kube-flannel"), Cancel);
        await Admin.ApplyAsync("""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: flannel}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: flannel}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: flannel}
            ---
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: kube-flannel-ds, namespace: kube-flannel}
            spec:
              selector: {matchLabels: {app: flannel}}
              template:
                metadata: {labels: {app: flannel}}
                spec: {containers: [{name: kube-flannel, image: flannel}]}
            """, Cancel);
        foreach (var path in (string[])["roles/flannel-route-controller", "rolebindings/flannel-route-controller"])
            await Admin.Client.DeleteAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/kube-flannel/{path}", Cancel);
        foreach (var path in (string[])["roles/flannel-events", "rolebindings/flannel-events"])
            await Admin.Client.DeleteAsync($"/apis/rbac.authorization.k8s.io/v1/namespaces/default/{path}", Cancel);
    }

    /// <summary>The files that the commands name, in one folder.</summary>
    private async Task<string> CreateFolderAsync()
    {
        var folder = Vpc.Folder.CreateWritableSubfolder("kubectl");
        foreach (var source in (string[])["container", "kubernetes"])
        {
            foreach (var file in Directory.GetFiles(Path.Combine(Locations.Repository(), "packaging", source), "*.yaml"))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
        foreach (var file in (string[])["ca.pem", "client.pem", "client-key.pem"])
            await File.WriteAllTextAsync(Path.Combine(folder, file), file, Cancel);
        var rule = new KubeRule("*", "*", "*");
        await Admin.CreateServiceAccountAsync("default", "operator", Cancel, rule);
        var token = await Admin.RequestTokenAsync("default", "operator", Cancel);
        await Cluster.Server.WriteKubeconfigAsync(Path.Combine(folder, "kubeconfig"), token, Cancel);
        return folder;
    }

    private async Task<string> RunAsync(string command, string folder)
    {
        var start = new ProgramStart("/bin/bash", ["-c", $"cd {folder} && {command}"])
        {
            Namespace = Vpc.EtcdNamespace,
            Environment = new Dictionary<string, string>
            {
                ["PATH"] = "/usr/bin:/bin",
                ["HOME"] = folder,
                ["KUBECONFIG"] = Path.Combine(folder, "kubeconfig"),
            },
        };
        return await ProcessCommand.RunAsync(start, Cancel);
    }
}
