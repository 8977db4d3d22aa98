using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld cleanup</c>: removes flanneld's firewall rules, which stay while the daemon is stopped or restarted.</summary>
internal sealed class Cleanup(DaemonOptions options, FirewallCleanup firewall)
{
    /// <returns>Success when no rule is left, also if there was none.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var locked = SubnetFileLock.TakeExisting(options.SubnetFile, "cleanup");
        using var held = (locked as LockResult.Taken)?.Lock;
        if (locked is LockResult.Busy busy)
        {
            return Result.Failure(
                $"{busy.Holder} runs on this host and would set its rules again: stop it first (systemctl stop flanneld)");
        }

        Ipv4Network? network = null;
        if (!options.All)
        {
            network = (new SubnetFile(options.SubnetFile).Read() as SubnetFileState.Present)?.ReadNetwork();
            if (network is null)
            {
                return Result.Failure(
                    $"{Redaction.Path(options.SubnetFile)} names no network: use --all to remove the rules of all networks");
            }
        }

        var removed = await firewall.RemoveAsync(network, cancellation);
        if (!removed.Ok) return Result.Failure($"{removed.Error}; run this as root");
        foreach (var line in removed.Value) await Console.Out.WriteLineAsync($"removed {line}");
        if (removed.Value.Count == 0) await Console.Out.WriteLineAsync("no firewall rules of flanneld: nothing to remove");
        return Unit.Instance;
    }
}
