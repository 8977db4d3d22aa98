using System.Globalization;

namespace Flannel.Testbed;

/// <summary>A real etcd of one member. It can be stopped, killed and restarted on the same data and ports.</summary>
public sealed class EtcdServer : IAsyncDisposable
{
    /// <summary>The path of etcd on this machine.</summary>
    public const string Program = "/usr/bin/etcd";

    private readonly NetworkNamespace? ns;
    private readonly string dataFolder;
    private readonly string address;
    private readonly int clientPort;
    private readonly int peerPort;
    private readonly TlsFiles? tls;
    private readonly HttpClient http;
    private readonly RestartableProcess server = new();

    private EtcdServer(string dataFolder, NetworkNamespace? ns, string address, int clientPort, int peerPort, TlsFiles? tls)
    {
        (this.dataFolder, this.ns, this.address, this.clientPort, this.peerPort, this.tls) = (dataFolder, ns,
            address, clientPort, peerPort, tls);
        Endpoint = new Uri($"{(tls is null ? "http" : "https")}://{address}:{clientPort}");
        http = new HttpClient(NetworkNamespace.CreateHandler(ns, tls?.ClientOptions())) { BaseAddress = Endpoint };
        Keys = new EtcdGateway(http);
    }

    private IReadOnlyList<string> MoreArguments { get; init; } = [];

    public Uri Endpoint { get; }

    /// <summary>Reads and writes keys, independent of the client under test.</summary>
    public EtcdGateway Keys { get; }

    /// <summary>Starts etcd on the loopback of this machine, on free ports.</summary>
    /// <param name="more">Additional arguments of etcd.</param>
    public static Task<EtcdServer> StartAsync(
        string dataFolder, CancellationToken cancel, TlsFiles? tls = null, IReadOnlyList<string>? more = null) =>
        StartAsync(new EtcdServer(dataFolder, null, "127.0.0.1", Ports.Free(), Ports.Free(), tls) { MoreArguments = more ?? [] }, cancel);

    /// <summary>Starts etcd at an address of a network namespace, on the default ports.</summary>
    public static Task<EtcdServer> StartAsync(
        string dataFolder, NetworkNamespace ns, string address, CancellationToken cancel, TlsFiles? tls = null) =>
        StartAsync(new EtcdServer(dataFolder, ns, address, 2379, 2380, tls), cancel);

    private static async Task<EtcdServer> StartAsync(EtcdServer server, CancellationToken cancel)
    {
        await server.StartAgainAsync(cancel);
        return server;
    }

    /// <summary>Starts etcd on the existing data and waits until it serves.</summary>
    public async Task StartAgainAsync(CancellationToken cancel)
    {
        var peer = $"http://127.0.0.1:{peerPort}";
        await server.StartAsync(new ProgramStart(Program,
        [
            "--name=e1", $"--data-dir={dataFolder}", "--logger=zap", "--log-level=warn",
            $"--listen-client-urls={Endpoint.GetLeftPart(UriPartial.Authority)}",
            $"--advertise-client-urls={Endpoint.GetLeftPart(UriPartial.Authority)}",
            $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=e1={peer}",
            // A single member elects itself; short timeouts shorten its start.
            "--heartbeat-interval=50", "--election-timeout=250",
            .. tls is null
                ? []
                : new[]
                {
                    $"--cert-file={tls.Server.Certificate}", $"--key-file={tls.Server.Key}", "--client-cert-auth",
                    $"--trusted-ca-file={tls.Authority}",
                },
            .. MoreArguments,
        ])
        { Namespace = ns });
        await Eventually.IsAsync($"etcd at {address}:{clientPort} serves", async () =>
        {
            if (!server.IsRunning)
            {
                throw new TestbedException($"etcd ended\n{Process.StandardError}");
            }
            return await IsHealthyAsync(cancel);
        }, cancel, context: () => Process.StandardError);
    }

    /// <summary>Sends SIGTERM and waits for the end.</summary>
    public Task StopAsync(CancellationToken cancel) => server.StopAsync(cancel);

    /// <summary>Sends SIGKILL and waits for the end.</summary>
    public Task KillAsync(CancellationToken cancel) => server.KillAsync(cancel);

    public ChildProcess Process => server.Process;

    /// <summary>The number of requests since the start of etcd, by method (<c>Range</c>, <c>Txn</c>, <c>LeaseKeepAlive</c>, …).</summary>
    public async Task<IReadOnlyDictionary<string, long>> RequestsAsync(CancellationToken cancel)
    {
        const string family = "grpc_server_started_total{";
        const string label = "grpc_method=\"";
        var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancel);
        Dictionary<string, long> requests = [];
        foreach (var line in metrics.Split('\n').Where(line => line.StartsWith(family, StringComparison.Ordinal)))
        {
            var at = line.IndexOf(label, StringComparison.Ordinal) + label.Length;
            var count = (long)double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            if (count > 0)
            {
                var method = line[at..line.IndexOf('"', at)];
                requests[method] = requests.GetValueOrDefault(method) + count;
            }
        }
        return requests;
    }

    /// <summary>A metric of etcd (<c>process_cpu_seconds_total</c>, <c>etcd_network_client_grpc_sent_bytes_total</c>, …), summed over its
    /// labels.</summary>
    public async Task<double> MetricAsync(string name, CancellationToken cancel)
    {
        var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancel);
        return metrics.Split('\n')
            .Where(line => line.StartsWith(name + " ", StringComparison.Ordinal) || line.StartsWith(name + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>Runs etcdctl against this etcd.</summary>
    public Task<string> ControlAsync(CancellationToken cancel, params string[] arguments)
    {
        string[] files = tls is null
            ? []
            : [$"--cacert={tls.Authority}", $"--cert={tls.Client.Certificate}", $"--key={tls.Client.Key}"];
        string[] all = [$"--endpoints={Endpoint.GetLeftPart(UriPartial.Authority)}", .. files, .. arguments];
        return ProcessCommand.RunAsync(new ProgramStart(EtcdCluster.ControlProgram, all) { Namespace = ns }, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        http.Dispose();
    }

    private async Task<bool> IsHealthyAsync(CancellationToken cancel)
    {
        try
        {
            var health = await http.GetStringAsync(new Uri("/health", UriKind.Relative), cancel);
            return health.Contains("\"true\"", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
