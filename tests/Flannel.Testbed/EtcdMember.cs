using System.Globalization;

namespace Flannel.Testbed;

/// <summary>One real etcd of a cluster, on a machine of its own, with mutual TLS to clients and peers.</summary>
public sealed class EtcdMember : IAsyncDisposable
{
    private const string Program = "/usr/bin/etcd";

    private readonly IReadOnlyList<string> arguments;
    private readonly HttpClient http;
    private ChildProcess? process;

    internal EtcdMember(int number, NetworkNamespace ns, string folder, TestAuthority authority, IReadOnlyList<string> arguments)
    {
        (Number, Namespace, Folder, this.arguments) = (number, ns, folder, arguments);
        Files = authority.Issue(Name, Address, "127.0.0.1");
        AuthorityFile = authority.CertificateFile;
        http = ns.CreateHttpClient(new Uri($"http://{Address}:2381"));
    }

    /// <summary>From 1.</summary>
    public int Number { get; }

    public string Name => string.Create(CultureInfo.InvariantCulture, $"e{Number}");

    public string Address => AddressOf(Number);

    public string Endpoint => $"https://{Address}:2379";

    public string PeerUrl => $"https://{Address}:2380";

    /// <summary>The switch's end of its cable.</summary>
    public string Port => $"etcd{Number}";

    public NetworkNamespace Namespace { get; }

    /// <summary>Of its data: may be replaced while it does not run.</summary>
    public string Folder { get; set; }

    public ChildProcess Process => process ?? throw new InvalidOperationException("not started");

    public bool IsRunning => process is { HasExited: false };

    private CertificateFiles Files { get; }

    private string AuthorityFile { get; }

    /// <summary>Starts it on its data; it serves only once a majority does.</summary>
    /// <param name="initialCluster">All members, as etcd wants to be told.</param>
    internal async Task StartAsync(string initialCluster)
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        process = await ChildProcess.StartAsync(new ProgramStart(Program,
        [
            $"--name={Name}", $"--data-dir={Folder}", "--logger=zap", "--log-level=error",
            $"--listen-client-urls={Endpoint},https://127.0.0.1:2379", $"--advertise-client-urls={Endpoint}",
            $"--listen-peer-urls={PeerUrl}", $"--initial-advertise-peer-urls={PeerUrl}", $"--initial-cluster={initialCluster}",
            $"--listen-metrics-urls=http://{Address}:2381",
            "--client-cert-auth", $"--trusted-ca-file={AuthorityFile}", $"--cert-file={Files.Certificate}", $"--key-file={Files.Key}",
            "--peer-client-cert-auth", $"--peer-trusted-ca-file={AuthorityFile}", $"--peer-cert-file={Files.Certificate}", $"--peer-key-file={Files.Key}",
            // The least that bcrypt allows: each password that is checked costs processor time that two cores do not have.
            "--bcrypt-cost=4",
            .. arguments,
        ])
        { Namespace = Namespace });
    }

    /// <summary>As a power failure ends it.</summary>
    public async Task KillAsync(CancellationToken cancel)
    {
        Process.Kill();
        await Process.WaitForExitAsync(cancel);
    }

    /// <summary>In order.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        Process.Terminate();
        await Process.WaitForExitAsync(cancel);
    }

    /// <summary>Whether it has a leader and can write; asked on its own machine, so that a cut cable does not matter.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken cancel) => (await TryGetAsync("/health", cancel)).Contains("\"true\"", StringComparison.Ordinal);

    public async Task<bool> IsLeaderAsync(CancellationToken cancel) => (await TryGetAsync("/metrics", cancel)).Contains("\netcd_server_is_leader 1\n", StringComparison.Ordinal);

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }
        http.Dispose();
        await Namespace.DisposeAsync();
    }

    internal static string AddressOf(int number) => string.Create(CultureInfo.InvariantCulture, $"192.168.10.{number}");

    /// <summary>Empty where it does not answer (soon): a hung or dead member is no failure of the test bed.</summary>
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
