using System.ComponentModel;
using System.Diagnostics;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork;

/// <summary><c>--ip-masq</c>: what leaves the network gets this host's address. One nftables table of our own, put in place as a whole by the
/// <c>nft</c> command, with upstream's rules (<c>MasqRules</c>). The only thing here that needs CAP_NET_ADMIN.</summary>
public sealed class Masquerade(Ipv4Network network, Ipv4Network subnet, TimeProvider time)
{
    private const string Table = "flannel_ali_vpc";

    // nft's own netlink exchange takes milliseconds. Well below the unit's WatchdogSec=60: the node's loop waits for it.
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // Somebody may flush the ruleset; upstream looks every 5 s, with a process each time.
    private static readonly TimeSpan Upkeep = TimeSpan.FromMinutes(1);

    public string Rules =>
        // Naming the table before deleting it makes the first run like every other; nft applies the file in one transaction.
        // 0x4000 is the mark of packets that kube-proxy masquerades itself (KUBE-MARK-MASQ).
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

    /// <summary>Puts the rules in place again and again until cancelled.</summary>
    /// <param name="problem">Told once for each trouble.</param>
    public async Task KeepAsync(Action<string> problem, CancellationToken cancellation)
    {
        for (string? told = null; ;)
        {
            await Task.Delay(Upkeep, time, cancellation);
            var error = await ApplyAsync(cancellation);
            if (error is not null && error != told) problem(error);
            told = error;
        }
    }

    /// <summary>Null, or why the rules could not be set, in one line.</summary>
    public async Task<string?> ApplyAsync(CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        // The child needs nothing of the environment but the way to its program, and may see none of its secrets.
        var path = start.Environment.TryGetValue("PATH", out var own) ? own : "/usr/sbin:/usr/bin:/sbin:/bin";
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var nft = Process.Start(start)!;
            try
            {
                await nft.StandardInput.WriteAsync(Rules.AsMemory(), both.Token);
                nft.StandardInput.Close();
                var error = await nft.StandardError.ReadToEndAsync(both.Token);
                await nft.WaitForExitAsync(both.Token);
                return nft.ExitCode == 0
                    ? null
                    : $"--ip-masq: nft failed with exit code {nft.ExitCode}: {error.Trim().ReplaceLineEndings(" ")} (it needs CAP_NET_ADMIN)";
            }
            finally
            {
                if (!nft.HasExited) nft.Kill();
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"--ip-masq: nft did not end within {Limit.TotalSeconds:0} s";
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            cancellation.ThrowIfCancellationRequested();
            return $"--ip-masq needs the nft command: {e.Message.ReplaceLineEndings(" ")}; install nftables, or leave --ip-masq off and let Docker masquerade";
        }
    }
}
