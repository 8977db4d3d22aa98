using System.Diagnostics;
using System.Net;
using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A real etcd on free ports of loopback, with a directory and arguments of its own.</summary>
public sealed class EtcdProcess : IAsyncDisposable
{
    private readonly string[] arguments;
    private readonly int peerPort = Ports.Free();
    private readonly List<IDisposable> connections = [];
    private Process? process;

    private EtcdProcess(string scheme, string[] arguments)
    {
        this.arguments = arguments;
        Endpoint = $"{scheme}://127.0.0.1:{Ports.Free()}";
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("flannel-etcd-").FullName;

    public string Endpoint { get; }

    public static async Task<EtcdProcess> StartAsync(string scheme = "http", params string[] arguments)
    {
        EtcdProgram.Require();
        var etcd = new EtcdProcess(scheme, arguments);
        await etcd.StartAgainAsync();
        return etcd;
    }

    public async Task StartAgainAsync()
    {
        var peer = $"http://127.0.0.1:{peerPort}";
        process = EtcdProgram.Start(
        [
            "--name=e1", $"--data-dir={Folder}/data", "--logger=zap", "--log-level=error",
            $"--listen-client-urls={Endpoint}", $"--advertise-client-urls={Endpoint}",
            $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=e1={peer}",
            "--heartbeat-interval=50", "--election-timeout=250", .. arguments,
        ]);
        var port = new Uri(Endpoint).Port;
        await EtcdProgram.WaitUntilListeningAsync(process, port);
        if (!Endpoint.StartsWith("http:", StringComparison.Ordinal)) return;
        // It listens long before it serves, and one that is killed in between may not start again.
        using var http = new HttpClient();
        await Eventually.IsAsync($"etcd serves on {port}", async () =>
        {
            try
            {
                return (await http.GetStringAsync(new Uri(Endpoint + "/health"), TestContext.Current.CancellationToken))
                    .Contains("\"true\"", StringComparison.Ordinal);
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    public async Task KillAsync()
    {
        process!.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Starts it on a snapshot, as an operator does after a disaster.</summary>
    public async Task RestoreAsync(string snapshot)
    {
        await KillAsync();
        Directory.Delete($"{Folder}/data", recursive: true);
        var peer = $"http://127.0.0.1:{peerPort}";
        await ControlAsync(
            "snapshot", "restore", snapshot, "--name=e1", $"--data-dir={Folder}/data", $"--initial-cluster=e1={peer}",
            $"--initial-advertise-peer-urls={peer}");
        await StartAgainAsync();
    }

    public Task SignalAsync(string signal) => EtcdProgram.SignalAsync(process!, signal);

    public EtcdConnection Connect(
        ILogger? logger = null, string? endpoints = null, string? ca = null, string? cert = null, string? key = null,
        string? user = null, string? password = null,
        TimeProvider? time = null, PasswordFile? passwordFile = null, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        var secret = passwordFile?.Current() ?? (password is null ? null : new Secret(password));
        var options = EtcdOptions.Create(endpoints ?? Endpoint, ca, cert, key, user, secret).Value with { PasswordFile = passwordFile };
        if (resolve is not null) options = options with { Resolve = resolve };
        var connection = new EtcdConnection(options, time ?? TimeProvider.System, new FirstEndpoint(), logger ?? NullLogger.Instance);
        lock (connections) connections.Add(connection);
        return connection;
    }

    /// <summary>Runs etcdctl, and returns its output.</summary>
    public async Task<string> ControlAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Path.GetDirectoryName(EtcdProgram.Path)!, "etcdctl"))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true
        };
        start.Environment["ETCDCTL_API"] = "3";
        start.ArgumentList.Add($"--endpoints={Endpoint}");
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var control = Process.Start(start)!;
        var error = control.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await control.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await control.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(control.ExitCode == 0, $"etcdctl {string.Join(' ', arguments)}: {await error}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in connections) connection.Dispose();
        if (process is not null) await EtcdProgram.EndAsync(process);
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The connection begins with the first endpoint, so that a test knows which one fails.</summary>
    internal sealed class FirstEndpoint : Random
    {
        public override int Next(int maxValue) => 0;
    }
}
