using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>
/// A VPC whose instances are the nodes of a real API server. The API server runs on the machine of the VPC's etcd and stores its objects
/// there. The daemons have the account and the permissions of <c>packaging/kubernetes/flanneld.yaml</c>.
/// </summary>
public sealed class KubeCluster : IAsyncDisposable
{
    /// <summary>The namespace and the account of the manifest.</summary>
    public const string Namespace = "flannel";
    public const string Account = "flanneld";

    /// <summary>The annotations of upstream.</summary>
    public const string Prefix = "flannel.alpha.coreos.com/";

    /// <summary>Of the Lease of the election.</summary>
    public const string StandbyAnnotation = $"{Prefix}ali-vpc-standby";

    /// <summary>The Lease of the election.</summary>
    public const string ElectionLease = "flanneld-ali-vpc";

    private const string RbacOfCluster = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    private const string RbacOfNamespaces = "/apis/rbac.authorization.k8s.io/v1/namespaces";
    private const string Leases = $"/apis/coordination.k8s.io/v1/namespaces/{Namespace}/leases";
    private const string EventsOfNodes = "/api/v1/namespaces/default/events";

    private readonly KubeApiServer server;
    private readonly string manifest;

    private KubeCluster(VpcTopology vpc, KubeApiServer server, string manifest) =>
        (Vpc, this.server, this.manifest) = (vpc, server, manifest);

    public VpcTopology Vpc { get; }

    public KubeApiServer Server => server;

    public KubeAdmin Admin => server.Admin;

    /// <summary>The <c>net-conf.json</c> of all nodes.</summary>
    public string NetConfFile => Path.Combine(Vpc.Folder.Path, "net-conf.json");

    /// <summary>The token of all nodes, which their kubeconfig names.</summary>
    public string TokenFile => Path.Combine(Vpc.Folder.Path, "token");

    public string KubeconfigFile => Path.Combine(Vpc.Folder.Path, "kubeconfig");

    /// <exception cref="TestbedException">A part did not start; all created parts are removed.</exception>
    public static async Task<KubeCluster> StartAsync(CloudSetup setup, CancellationToken cancel)
    {
        var path = Path.Combine(Locations.Repository(), "packaging", "kubernetes", "flanneld.yaml");
        var manifest = await File.ReadAllTextAsync(path, cancel);
        var vpc = await VpcTopology.StartAsync(setup, cancel);
        KubeApiServer? server = null;
        try
        {
            var folder = Directory.CreateDirectory(Path.Combine(vpc.Folder.Path, "kubernetes")).FullName;
            server = await KubeApiServer.StartAsync(folder, vpc.EtcdNamespace, VpcTopology.EtcdAddress, cancel, vpc.Etcd);
            var cluster = new KubeCluster(vpc, server, manifest);
            await cluster.RestoreAsync(cancel);
            await server.WriteKubeconfigWithTokenFileAsync(cluster.KubeconfigFile, cluster.TokenFile, cancel);
            return cluster;
        }
        catch
        {
            if (server is not null) await server.DisposeAsync();
            await vpc.DisposeAsync();
            throw;
        }
    }

    /// <summary>The name of the Node of an instance.</summary>
    public string NameOf(int instance) => Vpc.Instances[instance].Environment["NODE_NAME"];

    /// <summary>Applies the manifest, and writes configuration and token: as they were after the start.</summary>
    public async Task RestoreAsync(CancellationToken cancel)
    {
        await Admin.ApplyAsync(manifest, cancel);
        await WriteNetConfAsync(TestVpc.Config, cancel);
        await WriteTokenAsync(await Admin.RequestTokenAsync(Namespace, Account, cancel), cancel);
        for (var i = 0; i < Vpc.Instances.Count; i++)
        {
            var instance = Vpc.Instances[i];
            instance.Arguments =
            [
                .. instance.Arguments.Where(argument => !argument.StartsWith("--etcd-", StringComparison.Ordinal) && !IsOwn(argument)),
                "--kube-subnet-mgr", $"--kubeconfig-file={KubeconfigFile}", $"--net-config-path={NetConfFile}",
            ];
            instance.Environment = new Dictionary<string, string> { ["NODE_NAME"] = $"node-{i + 1}", ["POD_NAMESPACE"] = Namespace };
        }
    }

    /// <summary>Ends all daemons, and deletes Nodes, Leases, Events and routes: the next daemons find a new cluster.</summary>
    public async Task ClearAsync(CancellationToken cancel)
    {
        foreach (var instance in Vpc.Instances)
        {
            if (instance.Daemon is { HasExited: false } daemon) await daemon.KillAsync(cancel);
            File.Delete(instance.SubnetFile);
            instance.HasNetAdmin = false;
            // Of a container, and of backend vxlan.
            foreach (var device in (string[])["docker0", "flannel.1"])
                await instance.Namespace!.ExecAsync("ip", ["link", "delete", device], cancel);
        }
        foreach (var path in (string[])["/api/v1/nodes", Leases, EventsOfNodes]) await Admin.Client.DeleteAsync(path, cancel);
        await Vpc.Control.ClearFaultsAsync(cancel);
        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], cancel);
        foreach (var instance in Vpc.Instances) await Vpc.Control.SetRamRoleAsync(instance.InstanceId, CloudSetup.RoleName, cancel);
        foreach (var entry in await Vpc.Control.CustomRoutesAsync(cancel)) await Vpc.Control.DeleteRouteAsync(entry.RouteEntryId, cancel);
        await Vpc.Control.ClearCallsAsync(cancel);
    }

    /// <summary>Creates the Node of an instance, as its kubelet and the controller manager do.</summary>
    public async Task CreateNodeAsync(int instance, CancellationToken cancel, params string[] podCidrs) =>
        await Admin.CreateNodeAsync(new KubeNode(NameOf(instance), podCidrs), cancel);

    /// <summary>Replaces the configuration as a whole.</summary>
    public Task WriteNetConfAsync(string config, CancellationToken cancel) => ReplaceFileAsync(NetConfFile, config, cancel);

    /// <summary>Replaces the token as a whole, as the kubelet does.</summary>
    public Task WriteTokenAsync(string token, CancellationToken cancel) => ReplaceFileAsync(TokenFile, token, cancel);

    /// <summary>Removes a verb from the cluster role of the daemons.</summary>
    public Task DenyAsync(string resource, string verb, CancellationToken cancel) =>
        DenyAsync($"{RbacOfCluster}/{Account}", resource, verb, cancel);

    /// <summary>Adds a verb of the core group to the cluster role of the daemons.</summary>
    public async Task AllowAsync(string resource, string verb, CancellationToken cancel)
    {
        const string path = $"{RbacOfCluster}/{Account}";
        var role = (await Admin.Client.GetAsync(path, cancel)).EnsureSuccess();
        if (role["rules"] is not JsonArray rules) role["rules"] = rules = [];
        rules.Add((JsonNode)new KubeRule("", resource, verb).ToJson());
        _ = (await Admin.Client.PutAsync(path, role, cancel)).EnsureSuccess();
    }

    /// <summary>Removes a verb from a role of the daemons.</summary>
    /// <param name="role"><c>flannel/flanneld</c> or <c>default/flanneld-events</c>.</param>
    public Task DenyInNamespaceAsync(string role, string resource, string verb, CancellationToken cancel)
    {
        var parts = role.Split('/');
        return DenyAsync($"{RbacOfNamespaces}/{parts[0]}/roles/{parts[1]}", resource, verb, cancel);
    }

    /// <summary>The instance that the Lease of the election names, or null.</summary>
    public async Task<EcsInstance?> ControllerAsync(CancellationToken cancel)
    {
        var lease = await Admin.LeaseAsync(Namespace, ElectionLease, cancel);
        var holder = lease?["spec"]?["holderIdentity"]?.GetValue<string>();
        return string.IsNullOrEmpty(holder)
            ? null
            : Vpc.Instances.SingleOrDefault(
                instance => holder.StartsWith($"{instance.Environment["NODE_NAME"]}_", StringComparison.Ordinal));
    }

    /// <summary>The reason of the Node's condition <c>NetworkUnavailable</c> with its status: <c>False FlannelIsUp</c>; null without
    /// one.</summary>
    public async Task<string?> NetworkUnavailableAsync(int instance, CancellationToken cancel) =>
        await Admin.ConditionAsync(NameOf(instance), "NetworkUnavailable", cancel) is { } condition
            ? $"{condition["status"]} {condition["reason"]}"
            : null;

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in Vpc.Instances)
        {
            if (instance.Daemon is { HasExited: false } daemon) await daemon.KillAsync(CancellationToken.None);
        }
        await server.DisposeAsync();
        await Vpc.DisposeAsync();
    }

    private async Task DenyAsync(string path, string resource, string verb, CancellationToken cancel)
    {
        var role = (await Admin.Client.GetAsync(path, cancel)).EnsureSuccess();
        var rules = role["rules"]!.AsArray();
        var rule = rules.Single(rule => Contains(rule!["resources"]!, resource))!;
        if (!Contains(rule["verbs"]!, verb)) throw new TestbedException($"{path} does not allow to {verb} {resource}");
        rule["verbs"] = new JsonArray([.. Texts(rule["verbs"]!).Where(other => other != verb).Select(other => JsonValue.Create(other))]);
        if (!Texts(rule["verbs"]!).Any()) rules.Remove(rule);
        _ = (await Admin.Client.PutAsync(path, role, cancel)).EnsureSuccess();
    }

    private static bool Contains(JsonNode list, string text) => Texts(list).Contains(text);

    private static IEnumerable<string> Texts(JsonNode list) => list.AsArray().Select(item => item!.GetValue<string>());

    private static bool IsOwn(string argument) =>
        argument.StartsWith("--kube", StringComparison.Ordinal) || argument.StartsWith("--net-config-path", StringComparison.Ordinal);

    /// <summary>Replaces a file as a whole, as the kubelet does.</summary>
    public static async Task ReplaceFileAsync(string path, string text, CancellationToken cancel)
    {
        await File.WriteAllTextAsync($"{path}.part", text, cancel);
        File.Move($"{path}.part", path, overwrite: true);
    }
}
