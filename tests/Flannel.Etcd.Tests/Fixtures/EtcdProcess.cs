using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Testbed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A real etcd on free ports of loopback, with a directory and arguments of its own.</summary>
public sealed class EtcdProcess : IAsyncDisposable
{
    /// <summary>Another etcd than the machine's own: <c>FLANNEL_TEST_ETCD</c> names its executable; its etcdctl is in the same
    /// directory.</summary>
    public static readonly string Program =
        Environment.GetEnvironmentVariable("FLANNEL_TEST_ETCD") is { Length: > 0 } other ? other : "/usr/bin/etcd";

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

    public int ProcessId => process!.Id;

    public static async Task<EtcdProcess> StartAsync(string scheme = "http", params string[] arguments)
    {
        RequireProgram();
        var etcd = new EtcdProcess(scheme, arguments);
        await etcd.StartAgainAsync();
        return etcd;
    }

    public static void RequireProgram()
    {
        if (File.Exists(Program)) return;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{Program} is missing, and CI=true");
        Assert.Skip($"{Program} is missing: install etcd-server");
    }

    public async Task StartAgainAsync()
    {
        var peer = $"http://127.0.0.1:{peerPort}";
        var start = new ProcessStartInfo(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])
        [
            "--name=e1", $"--data-dir={Folder}/data", "--logger=zap", "--log-level=error",
            $"--listen-client-urls={Endpoint}", $"--advertise-client-urls={Endpoint}",
            $"--listen-peer-urls={peer}", $"--initial-advertise-peer-urls={peer}", $"--initial-cluster=e1={peer}",
            "--heartbeat-interval=50", "--election-timeout=250", .. arguments,
        ]) start.ArgumentList.Add(argument);
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var port = new Uri(Endpoint).Port;
        await Eventually.IsAsync($"etcd listens on {port}", () =>
        {
            if (process.HasExited) Assert.Fail($"etcd ended with {process.ExitCode}");
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
        if (!Endpoint.StartsWith("http:", StringComparison.Ordinal)) return;
        // It listens long before it serves, and one that is killed in between may never start again.
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

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/kill", ["-s", signal, ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public EtcdConnection Connect(
        ILogger? logger = null, string? endpoints = null, string? ca = null, string? cert = null, string? key = null,
        string? user = null, string? password = null,
        TimeProvider? time = null, PasswordFile? passwordFile = null, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        var secret = passwordFile?.Current() ?? (password is null ? null : new Secret(password));
        var options = EtcdOptions.Create(endpoints ?? Endpoint, ca, cert, key, user, secret).Value with { PasswordFile = passwordFile };
        if (resolve is not null) options = options with { Resolve = resolve };
        var connection = new EtcdConnection(options, time ?? TimeProvider.System, new FirstFirst(), logger ?? NullLogger.Instance);
        lock (connections) connections.Add(connection);
        return connection;
    }

    /// <summary>As an operator would.</summary>
    public async Task<string> ControlAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Path.GetDirectoryName(Program)!, "etcdctl"))
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
        if (process is { HasExited: false })
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process?.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The connection begins with the first endpoint, so that a test knows which one fails.</summary>
    internal sealed class FirstFirst : Random
    {
        public override int Next(int maxValue) => 0;
    }
}
