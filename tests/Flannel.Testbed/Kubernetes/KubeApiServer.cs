using System.Globalization;

namespace Flannel.Testbed.Kubernetes;

/// <summary>A real kube-apiserver with TLS, RBAC and a real etcd. It can be stopped, killed and restarted on the same data and port. No
/// kubelet and no controller manager runs: tests create the nodes, and a deleted namespace keeps its objects.</summary>
public sealed class KubeApiServer : IAsyncDisposable
{
    /// <summary>The issuer of the tokens of service accounts.</summary>
    internal const string TokenIssuer = "https://kubernetes.default.svc";

    private const int DefaultPort = 6443;

    private readonly NetworkNamespace? ns;
    private readonly string address;
    private readonly int port;
    private readonly EtcdServer etcd;
    private readonly bool ownsEtcd;
    private readonly KubeCertificates certificates;
    private readonly RestartableProcess server = new();
    private readonly List<IDisposable> clients = [];

    private KubeApiServer(string folder, NetworkNamespace? ns, string address, int port, EtcdServer etcd, bool ownsEtcd)
    {
        (this.ns, this.address, this.port, this.etcd, this.ownsEtcd) = (ns, address, port, etcd, ownsEtcd);
        Endpoint = new Uri(string.Create(CultureInfo.InvariantCulture, $"https://{address}:{port}"));
        certificates = new KubeCertificates(folder, address);
        Admin = new KubeAdmin(CreateClient(certificates.AdminToken));
    }

    /// <summary>The address of the API, for <c>--kube-api-url</c>.</summary>
    public Uri Endpoint { get; }

    /// <summary>The path of the certificate of the CA that has issued the server's certificate.</summary>
    public string AuthorityFile => certificates.AuthorityFile;

    /// <summary>A client of the group system:masters, which may do everything.</summary>
    public KubeAdmin Admin { get; }

    /// <summary>The etcd of the API server; its objects are below <c>/registry</c>.</summary>
    public EtcdServer Etcd => etcd;

    public ChildProcess Process => server.Process;

    /// <summary>Starts an API server and an etcd on the loopback of this machine, on free ports.</summary>
    /// <param name="folder">An existing folder for the certificates and the data.</param>
    /// <param name="more">Additional arguments of kube-apiserver.</param>
    public static async Task<KubeApiServer> StartAsync(string folder, CancellationToken cancel, params string[] more) =>
        await StartAsync(
            new KubeApiServer(folder, null, "127.0.0.1", Ports.Free(), await StartEtcdAsync(folder, null, cancel), ownsEtcd: true),
            more, cancel);

    /// <summary>Starts an API server at port 6443 of an address of a network namespace, for daemons in connected namespaces.</summary>
    /// <param name="etcd">An etcd that the namespace can connect to; null for one on the loopback of the namespace.</param>
    public static async Task<KubeApiServer> StartAsync(
        string folder, NetworkNamespace ns, string address, CancellationToken cancel, EtcdServer? etcd = null, params string[] more) =>
        await StartAsync(
            new KubeApiServer(folder, ns, address, DefaultPort, etcd ?? await StartEtcdAsync(folder, ns, cancel), ownsEtcd: etcd is null),
            more, cancel);

    private static async Task<KubeApiServer> StartAsync(KubeApiServer server, string[] more, CancellationToken cancel)
    {
        try
        {
            server.MoreArguments = more;
            await server.StartAgainAsync(cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private IReadOnlyList<string> MoreArguments { get; set; } = [];

    /// <summary>Starts the API server on the existing data and waits until it is ready.</summary>
    public async Task StartAgainAsync(CancellationToken cancel)
    {
        await server.StartAsync(new ProgramStart(KubePrograms.RequireApiServer(),
        [
            $"--bind-address={address}", $"--advertise-address={address}",
            string.Create(CultureInfo.InvariantCulture, $"--secure-port={port}"),
            $"--etcd-servers={etcd.Endpoint.GetLeftPart(UriPartial.Authority)}",
            .. certificates.Arguments,
            $"--service-account-issuer={TokenIssuer}", "--authorization-mode=RBAC",
            // The addresses of the API server in the service "kubernetes"; no test reads them.
            "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
            // Without it, 1.20 drops the second entry of podCIDRs.
            "--feature-gates=IPv6DualStack=true",
            // They expect the service accounts, taints and priorities that the controller manager and the kubelets create.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,NodeRestriction,Priority",
            .. MoreArguments,
        ])
        { Namespace = ns });
        await Eventually.IsAsync($"kube-apiserver at {Endpoint} is ready", async () =>
        {
            if (!server.IsRunning)
            {
                throw new TestbedException($"kube-apiserver ended\n{Process.StandardError}");
            }
            return await IsReadyAsync(cancel);
        }, cancel, TimeSpan.FromSeconds(90), () => Process.StandardError);
    }

    /// <summary>This API server loses its connection to etcd, another one writes an object, and etcd is compacted before this one has
    /// received the change: it ends its watches regularly, and forgets all earlier changes.</summary>
    /// <param name="key">The key of the object in etcd: <c>/registry/minions/NAME</c> for a Node.</param>
    /// <param name="value">The object in JSON.</param>
    public async Task ForgetChangesAsync(string key, string value, CancellationToken cancel)
    {
        Process.Pause();
        try
        {
            await etcd.KillAsync(cancel);
            await etcd.StartAgainAsync(cancel);
            await etcd.Keys.PutAsync(key, value, cancel);
            // etcd refuses a watch from before the revision of the compaction, and not one from that revision.
            const string other = "/revision";
            for (var i = 0; i < 2; i++) await etcd.Keys.PutAsync(other, "", cancel);
            var revision = (await etcd.Keys.GetAsync(other, cancel))!.ModRevision;
            await etcd.ControlAsync(cancel, "compaction", revision.ToString(CultureInfo.InvariantCulture));
        }
        finally
        {
            Process.Resume();
        }
    }

    /// <summary>Sends SIGTERM and waits for the end. Watches end regularly.</summary>
    public Task StopAsync(CancellationToken cancel) => server.StopAsync(cancel);

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    public Task KillAsync(CancellationToken cancel) => server.KillAsync(cancel);

    /// <summary>A client of the API, which this server disposes of.</summary>
    /// <param name="token">The bearer token; null for an anonymous client.</param>
    /// <param name="from">The namespace to connect from; null for that of the server.</param>
    public KubeClient CreateClient(string? token, NetworkNamespace? from = null)
    {
        var client = new KubeClient(Endpoint, NetworkNamespace.CreateHandler(from ?? ns, certificates.ClientOptions()), token);
        lock (clients) clients.Add(client);
        return client;
    }

    /// <summary>Issues a certificate with which a client authenticates as a user.</summary>
    public CertificateFiles IssueClientCertificate(string user) => certificates.IssueClient(user);

    /// <summary>A token of a service account with any lifetime; the TokenRequest API issues none for less than 10 minutes.</summary>
    /// <param name="lifetime">The API server accepts a token until one minute after its expiry, and caches that for another 10 s. After
    /// -55 s it rejects the token within 15 s.</param>
    public async Task<string> SignTokenAsync(string namespaceName, string account, TimeSpan lifetime, CancellationToken cancel) =>
        certificates.SignToken(namespaceName, account, await Admin.ServiceAccountUidAsync(namespaceName, account, cancel), lifetime);

    /// <summary>Writes a kubeconfig that authenticates by a token.</summary>
    public Task WriteKubeconfigAsync(string path, string token, CancellationToken cancel) =>
        KubeconfigFile.WriteAsync(path, Endpoint, AuthorityFile, $"token: \"{token}\"", cancel);

    /// <summary>Writes a kubeconfig that names a file with a token.</summary>
    public Task WriteKubeconfigWithTokenFileAsync(string path, string tokenFile, CancellationToken cancel) =>
        KubeconfigFile.WriteAsync(path, Endpoint, AuthorityFile, $"tokenFile: \"{tokenFile}\"", cancel);

    /// <summary>Writes a kubeconfig that authenticates by a client certificate.</summary>
    public Task WriteKubeconfigAsync(string path, CertificateFiles client, CancellationToken cancel) =>
        KubeconfigFile.WriteAsync(
            path, Endpoint, AuthorityFile, $"client-certificate: \"{client.Certificate}\"\n    client-key: \"{client.Key}\"", cancel);

    /// <summary>Writes the files of a pod's service account: <c>token</c>, <c>ca.crt</c>, <c>namespace</c>.</summary>
    /// <param name="folder">In place of /var/run/secrets/kubernetes.io/serviceaccount.</param>
    public async Task WriteServiceAccountAsync(string folder, string namespaceName, string token, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), token, cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "namespace"), namespaceName, cancel);
        File.Copy(AuthorityFile, Path.Combine(folder, "ca.crt"), overwrite: true);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        foreach (var client in clients)
        {
            client.Dispose();
        }
        if (ownsEtcd)
        {
            await etcd.DisposeAsync();
        }
        certificates.Dispose();
    }

    private static Task<EtcdServer> StartEtcdAsync(string folder, NetworkNamespace? ns, CancellationToken cancel)
    {
        var data = Path.Combine(folder, "kubernetes-etcd");
        return ns is null ? EtcdServer.StartAsync(data, cancel) : EtcdServer.StartAsync(data, ns, "127.0.0.1", cancel);
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancel)
    {
        try
        {
            return (await Admin.Client.SendAsync(HttpMethod.Get, "/readyz", cancel)).StatusCode == System.Net.HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
