using System.Net;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>Credentials for the API server.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class AccessTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task A_controller_whose_token_has_expired_goes_on_with_the_token_that_replaces_it()
    {
        var (file, kubeconfig) = (Path.Combine(Vpc.Folder.Path, "brief-token"), Path.Combine(Vpc.Folder.Path, "brief-kubeconfig"));
        var token = await Cluster.Server.SignTokenAsync(KubeCluster.Namespace, KubeCluster.Account, TimeSpan.FromSeconds(-50), Cancel);
        await File.WriteAllTextAsync(file, token, Cancel);
        await Cluster.Server.WriteKubeconfigWithTokenFileAsync(kubeconfig, file, Cancel);
        var daemon = await StartReadyAsync(0, [.. QuickResync, $"--kubeconfig-file={kubeconfig}"]);
        var client = Cluster.Server.CreateClient(token);
        await Eventually.IsAsync(
            "the token is rejected",
            async () => (await client.GetAsync("/api/v1/nodes?limit=1", Cancel)).StatusCode == HttpStatusCode.Unauthorized, Cancel,
            LongLimit);
        await daemon.WaitForLogAsync("(401)", Cancel, LongLimit);
        Assert.True(File.Exists(Vpc.Instances[0].SubnetFile));

        File.Copy(Cluster.TokenFile, file, overwrite: true);

        // Only the first node may be the controller.
        await StartReadyAsync(1, NeverController);
        await WaitForRouteAsync(SubnetOf(1), 1);
        Assert.False(daemon.HasExited);
    }

    /// <summary>RRSA: ack-pod-identity-webhook or the chart sets the variables, and the kubelet replaces the token.</summary>
    [Fact]
    public async Task A_controller_with_the_RAM_role_of_its_service_account_goes_on_with_the_token_that_replaces_it()
    {
        var instance = Vpc.Instances[0];
        // No other source has a key.
        await Vpc.Control.SetRamRoleAsync(instance.InstanceId, null, Cancel);
        var file = Path.Combine(Vpc.Folder.Path, "oidc-token");
        var first = await IssueAsync();
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        var daemon = await instance.StartDaemonAsync(QuickResync, new Dictionary<string, string>(instance.Environment)
        {
            ["ALIBABA_CLOUD_ROLE_ARN"] = CloudSetup.OtherRoleArn,
            ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = CloudSetup.OidcProviderArn,
            ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = file,
        });
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRepairAsync(0);

        var second = await IssueAsync();
        await Vpc.Control.RevokeKeysAsync(CloudSetup.OtherRoleName, Cancel);

        await WaitForRepairAsync(0);
        var source = $"using credentials from RAM role {CloudSetup.OtherRoleArn} with an OIDC token";
        Assert.Contains(source, daemon.StandardError, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
        foreach (var token in (string[])[first, second]) Assert.DoesNotContain(token, daemon.AllOutput, StringComparison.Ordinal);

        // RAM accepts only the newest.
        async Task<string> IssueAsync()
        {
            var token = await Admin.RequestTokenAsync(KubeCluster.Namespace, KubeCluster.Account, Cancel, audience: "sts.aliyuncs.com");
            await KubeCluster.ReplaceFileAsync(file, token, Cancel);
            await Vpc.Control.SetOidcTokenAsync(CloudSetup.OidcProviderName, token, Cancel);
            return token;
        }
    }

    [Fact]
    public async Task A_kubeconfig_with_a_client_certificate_gives_access()
    {
        await Admin.ApplyAsync("""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: flanneld-user}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: flanneld}
            subjects:
            - {apiGroup: rbac.authorization.k8s.io, kind: User, name: flanneld-user}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: flanneld-user, namespace: flannel}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: flanneld}
            subjects:
            - {apiGroup: rbac.authorization.k8s.io, kind: User, name: flanneld-user}
            """, Cancel);
        var kubeconfig = Path.Combine(Vpc.Folder.Path, "user-kubeconfig");
        var files = Cluster.Server.IssueClientCertificate("flanneld-user");
        foreach (var file in (string[])[files.Certificate, files.Key])
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await Cluster.Server.WriteKubeconfigAsync(kubeconfig, files, Cancel);
        // The token of the other kubeconfig must not be needed.
        await Cluster.WriteTokenAsync("invalid", Cancel);

        await StartReadyAsync(0, $"--kubeconfig-file={kubeconfig}");
        await WaitForRouteAsync(SubnetOf(0), 0);
    }

    [Fact]
    public async Task A_pod_has_the_access_of_its_service_account_and_the_name_of_its_node()
    {
        var root = Vpc.Folder.CreateWritableSubfolder("pod");
        File.Copy(Locations.Flanneld, Path.Combine(root, "flanneld"));
        await ChrootFolder.CreateRandomDeviceAsync(root, Cancel);
        var account = Path.Combine(root, "var/run/secrets/kubernetes.io/serviceaccount");
        await Cluster.Server.WriteServiceAccountAsync(
            account, KubeCluster.Namespace, await File.ReadAllTextAsync(Cluster.TokenFile, Cancel), Cancel);
        Directory.CreateDirectory(Path.Combine(root, "etc/kube-flannel"));
        File.Copy(Cluster.NetConfFile, Path.Combine(root, "etc/kube-flannel/net-conf.json"));
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        await Admin.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: flanneld-abcde, namespace: flannel}
            spec:
              nodeName: {{Cluster.NameOf(0)}}
              containers: [{name: flanneld, image: flanneld}]
            """, Cancel);
        await Cluster.DenyInNamespaceAsync("flannel/flanneld", "pods", "get", Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
        await using var denied = await StartPodAsync(root, "notify-1");
        Assert.Equal(1, await denied.WaitForExitAsync(Cancel));
        Assert.Contains("resources: [\"pods\"], verbs: [\"get\"]; or set NODE_NAME", denied.StandardError, StringComparison.Ordinal);
        await Cluster.RestoreAsync(Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);

        await using var daemon = await StartPodAsync(root, "notify-2");
        await daemon.WaitForReadyAsync(Cancel, LongLimit);

        Assert.Equal(Vpc.Instances[0].PublicIp, await AnnotationAsync(0, "public-ip"));
        Assert.Equal(TestVpc.SubnetEnv("10.24.1.1/24"), await File.ReadAllTextAsync(Path.Combine(root, "run/flannel/subnet.env"), Cancel));
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Fact]
    public async Task The_account_of_upstreams_manifest_with_our_additions_controls_routes_and_lacks_no_permission()
    {
        const string space = "kube-flannel";
        await Admin.ApplyAsync(UpstreamManifest.RbacFor(space), Cancel);
        var additions = Path.Combine(Locations.Repository(), "packaging", "kubernetes", "upstream-rbac.yaml");
        await Admin.ApplyAsync(await File.ReadAllTextAsync(additions, Cancel), Cancel);
        await Cluster.WriteTokenAsync(await Admin.RequestTokenAsync(space, "flannel", Cancel), Cancel);
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));

        var daemon = await Vpc.Instances[0].StartDaemonAsync(
            QuickResync,
            new Dictionary<string, string>(Vpc.Instances[0].Environment) { ["POD_NAMESPACE"] = space });
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForConditionAsync(0, FlannelIsUp);
        await WaitForRepairAsync(0);

        Assert.DoesNotContain("missing permission", daemon.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain("rejected", daemon.StandardError, StringComparison.Ordinal);
        Assert.Null(await Cluster.ControllerAsync(Cancel));
        Assert.NotNull(await Admin.LeaseAsync(space, KubeCluster.ElectionLease, Cancel));
    }

    /// <summary>With the environment and the files of a pod.</summary>
    private Task<DaemonProcess> StartPodAsync(string root, string notify) => DaemonProcess.StartAsync(
        new ProgramStart("/flanneld",
        [
            $"--vpc-endpoint={VpcTopology.ApiEndpoint}", $"--ecs-endpoint={VpcTopology.ApiEndpoint}",
            // Without /proc/net/route flanneld cannot find the interface of the default route.
            "--iface=eth0", $"--public-ip={Vpc.Instances[0].PublicIp}",
        ])
        {
            Namespace = Vpc.Instances[0].Namespace,
            ChangeRoot = root,
            Environment = new Dictionary<string, string>
            {
                ["HOME"] = "/",
                ["FLANNELD_KUBE_SUBNET_MGR"] = "true",
                ["KUBERNETES_SERVICE_HOST"] = VpcTopology.EtcdAddress,
                ["KUBERNETES_SERVICE_PORT"] = "6443",
                ["POD_NAME"] = "flanneld-abcde",
                ["POD_NAMESPACE"] = KubeCluster.Namespace,
            },
        }, Path.Combine(root, notify));
}
