using System.ComponentModel;
using System.Diagnostics;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork;

/// <summary><c>--ip-masq</c>: packets that leave the network get this host's address. The rules are one nftables table of our own with
/// upstream's rules (<c>MasqRules</c>), replaced as a whole by the <c>nft</c> command. Nothing else in the daemon needs
/// CAP_NET_ADMIN.</summary>
/// <param name="network">The cluster's network.</param>
/// <param name="subnet">This node's subnet.</param>
public sealed class Masquerade(Ipv4Network network, Ipv4Network subnet, TimeProvider time)
{
    private const string Table = "flannel_ali_vpc";

    // nft takes milliseconds. Far below the unit's WatchdogSec=60, because the node's loop waits for it.
    internal static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(10);

    // Another program may flush the ruleset. Upstream checks every 5 s, with a process each time.
    private static readonly TimeSpan ReapplyInterval = TimeSpan.FromMinutes(1);

    // The first line creates the table if there is none, so that the deletion succeeds. nft applies all lines in one transaction.
    // 0x4000 marks packets that kube-proxy masquerades itself (KUBE-MARK-MASQ).
    internal string Rules { get; } =
        $$"""
        table ip {{Table}}
        delete table ip {{Table}}
        table ip {{Table}} {
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            meta mark & 0x4000 == 0x4000 return
            ip saddr {{subnet}} ip daddr {{network}} return
            ip saddr {{network}} ip daddr {{subnet}} return
            ip saddr != {{network}} ip daddr {{subnet}} return
            ip saddr {{network}} ip daddr != 224.0.0.0/4 masquerade fully-random
            ip saddr != {{network}} ip daddr {{network}} masquerade fully-random
          }
        }

        """;

    /// <summary>Applies the rules again every minute. Ends only by cancellation.</summary>
    /// <param name="onError">Called once for each new error.</param>
    public async Task KeepAsync(Action<string> onError, CancellationToken cancellation)
    {
        string? lastReported = null;
        while (true)
        {
            await Task.Delay(ReapplyInterval, time, cancellation);
            var result = await ApplyAsync(cancellation);
            if (!result.Ok && result.Error != lastReported) onError(result.Error);
            lastReported = result.Error;
        }
    }

    /// <summary>Replaces the rules on this host.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<Result<Unit>> ApplyAsync(CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(CommandTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await RunNftAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Result.Failure($"--ip-masq: nft did not end within {CommandTimeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            return Result.Failure(
                $"--ip-masq needs the nft command: {e.Message.ReplaceLineEndings(" ")};"
                + " install nftables, or omit --ip-masq and let Docker masquerade");
        }
    }

    private async Task<Result<Unit>> RunNftAsync(CancellationToken cancellation)
    {
        using var nft = Process.Start(CreateStartInfo())!;
        try
        {
            await nft.StandardInput.WriteAsync(Rules.AsMemory(), cancellation);
            nft.StandardInput.Close();
            var error = await nft.StandardError.ReadToEndAsync(cancellation);
            await nft.WaitForExitAsync(cancellation);
            return nft.ExitCode == 0
                ? Unit.Instance
                : Result.Failure(
                    $"--ip-masq: nft failed with exit code {nft.ExitCode}: {error.Trim().ReplaceLineEndings(" ")}"
                    + " (it needs CAP_NET_ADMIN)");
        }
        finally
        {
            if (!nft.HasExited) nft.Kill();
        }
    }

    private static ProcessStartInfo CreateStartInfo()
    {
        var start = new ProcessStartInfo("nft", ["-f", "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        // The child gets PATH only: the daemon's environment may hold secrets.
        var path = start.Environment.TryGetValue("PATH", out var own) ? own : "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        return start;
    }
}
