using System.Globalization;

namespace Flannel.Testbed;

/// <summary>A real etcd member of a cluster, in a network namespace, with mutual TLS to clients and peers.</summary>
public sealed class EtcdMember : IAsyncDisposable
{
    private readonly IReadOnlyList<string> arguments;
    private readonly HttpClient http;
    private readonly RestartableProcess server = new();

    internal EtcdMember(int number, NetworkNamespace ns, string folder, TestCertificateAuthority authority, IReadOnlyList<string> arguments)
    {
        (Number, Namespace, Folder, this.arguments) = (number, ns, folder, arguments);
        Files = authority.Issue(Name, Address, "127.0.0.1");
        AuthorityFile = authority.CertificateFile;
        http = ns.CreateHttpClient(new Uri($"http://{Address}:2381"));
    }

    /// <summary>Counts from 1.</summary>
    public int Number { get; }

    public string Name => string.Create(CultureInfo.InvariantCulture, $"e{Number}");

    public string Address => AddressOf(Number);

    public string Endpoint => $"https://{Address}:2379";

    public string PeerUrl => $"https://{Address}:2380";

    /// <summary>The switch's end of its veth pair.</summary>
    public string Port => $"etcd{Number}";

    public NetworkNamespace Namespace { get; }

    /// <summary>The data folder; may be changed while the member does not run.</summary>
    public string Folder { get; set; }

    public ChildProcess Process => server.Process;

    public bool IsRunning => server.IsRunning;

    private CertificateFiles Files { get; }

    private string AuthorityFile { get; }

    /// <summary>Starts the member on its data; it serves once a quorum runs.</summary>
    /// <param name="initialCluster">The value of --initial-cluster.</param>
    internal Task StartAsync(string initialCluster) => server.StartAsync(new ProgramStart(EtcdServer.Program,
        [
            $"--name={Name}", $"--data-dir={Folder}", "--logger=zap", "--log-level=error",
            $"--listen-client-urls={Endpoint},https://127.0.0.1:2379", $"--advertise-client-urls={Endpoint}",
            $"--listen-peer-urls={PeerUrl}", $"--initial-advertise-peer-urls={PeerUrl}", $"--initial-cluster={initialCluster}",
            $"--listen-metrics-urls=http://{Address}:2381",
            "--client-cert-auth", $"--trusted-ca-file={AuthorityFile}", $"--cert-file={Files.Certificate}", $"--key-file={Files.Key}",
            "--peer-client-cert-auth", $"--peer-trusted-ca-file={AuthorityFile}", $"--peer-cert-file={Files.Certificate}",
            $"--peer-key-file={Files.Key}",
            // The lowest cost that bcrypt allows: password checks would otherwise take too much CPU time on two cores.
            "--bcrypt-cost=4",
            .. arguments,
        ])
    { Namespace = Namespace });

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    public Task KillAsync(CancellationToken cancel) => server.KillAsync(cancel);

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public Task StopAsync(CancellationToken cancel) => server.StopAsync(cancel);

    /// <summary>Whether the member has a leader and accepts writes. The request comes from its own namespace, so that isolation does not
    /// matter.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken cancel) =>
        (await TryGetAsync("/health", cancel)).Contains("\"true\"", StringComparison.Ordinal);

    public async Task<bool> IsLeaderAsync(CancellationToken cancel) =>
        (await TryGetAsync("/metrics", cancel)).Contains("\netcd_server_is_leader 1\n", StringComparison.Ordinal);

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        http.Dispose();
        await Namespace.DisposeAsync();
    }

    internal static string AddressOf(int number) => string.Create(CultureInfo.InvariantCulture, $"192.168.10.{number}");

    /// <summary>Empty without a response within two seconds: a hung or ended member is no error of the test bed.</summary>
    private async Task<string> TryGetAsync(string path, CancellationToken cancel)
    {
        if (!IsRunning)
        {
            return "";
        }
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            return await http.GetStringAsync(new Uri(path, UriKind.Relative), limit.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return "";
        }
    }
}
