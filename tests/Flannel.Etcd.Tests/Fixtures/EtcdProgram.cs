using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>The installed etcd, and processes of it.</summary>
internal static class EtcdProgram
{
    /// <summary>Another etcd than the machine's own: <c>FLANNEL_TEST_ETCD</c> names its executable; its etcdctl is in the same
    /// directory.</summary>
    public static readonly string Path =
        Environment.GetEnvironmentVariable("FLANNEL_TEST_ETCD") is { Length: > 0 } other ? other : "/usr/bin/etcd";

    public static bool IsInstalled => File.Exists(Path);

    /// <summary>Skips the test without etcd; in CI it fails.</summary>
    public static void Require()
    {
        if (IsInstalled) return;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{Path} is missing, and CI=true");
        Assert.Skip($"{Path} is missing: install etcd-server");
    }

    /// <summary>Starts etcd and discards its output.</summary>
    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Returns when the process listens on a port of loopback.</summary>
    public static Task WaitUntilListeningAsync(Process process, int port) => Eventually.IsAsync($"etcd listens on {port}", () =>
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

    /// <param name="signal">Such as <c>STOP</c>.</param>
    public static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("/bin/kill", ["-s", signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Kills the process if it runs, and disposes of it.</summary>
    public static async Task EndAsync(Process process)
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
    }
}
