using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld cleanup</c>: removes what stays while the daemon is stopped or restarted: flanneld's firewall rules, and with
/// <c>--all</c> its VXLAN devices and routes.</summary>
/// <param name="iproute">Null if the host has no iproute2.</param>
internal sealed class Cleanup(DaemonOptions options, FirewallCleanup firewall, IHostCommands? iproute)
{
    /// <returns>Success when nothing is left, also if there was nothing.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var locked = SubnetFileLock.TakeExisting(options.SubnetFile, "cleanup");
        using var held = (locked as LockResult.Taken)?.Lock;
        if (locked is LockResult.Busy busy)
        {
            return Result.Failure(
                $"{busy.Holder} runs on this host and would set its rules again: stop it first (systemctl stop flanneld)");
        }

        var file = new SubnetFile(options.SubnetFile).Read() as SubnetFileState.Present;
        var network = options.All ? null : file?.ReadNetwork();
        if (network is null && !options.All)
        {
            return Result.Failure(
                $"{Redaction.Path(options.SubnetFile)} names no network: use --all to remove the rules of all networks");
        }

        var rules = await RemoveRulesAsync(network, file?.ReadIpv6Network(), cancellation);
        await PrintAsync(rules);
        var tunnels = await RemoveTunnelsAsync(file?.ReadSubnet(), cancellation);
        await PrintAsync(tunnels);
        if ((rules.Error ?? tunnels.Error) is { } error) return Result.Failure($"{error}; run this as root");
        if (rules.Value.Count + tunnels.Value.Count == 0) await PrintNothingAsync();
        return Unit.Instance;
    }

    private Task PrintNothingAsync() => Console.Out.WriteLineAsync(options.All
        ? "no firewall rules, routes or devices of flanneld: nothing to remove"
        : "no firewall rules of flanneld: nothing to remove");

    /// <param name="network">Null for all networks.</param>
    private async Task<Result<IReadOnlyList<string>>> RemoveRulesAsync(
        Ipv4Network? network, Ipv6Network? ipv6, CancellationToken cancellation)
    {
        if (network is not { } known) return await firewall.RemoveAsync(null, cancellation);
        var removed = await firewall.RemoveAsync(known, cancellation);
        if (!removed.Ok || ipv6 is not { } knownIpv6) return removed;
        var also = await firewall.RemoveAsync(knownIpv6, cancellation);
        return also.Ok ? (List<string>)[.. removed.Value, .. also.Value] : also;
    }

    private async Task<Result<IReadOnlyList<string>>> RemoveTunnelsAsync(Ipv4Network? ownSubnet, CancellationToken cancellation) =>
        options.All && iproute is not null
            ? await new VxlanCleanup(iproute, ownSubnet).RemoveAsync(cancellation)
            : (List<string>)[];

    private static async Task PrintAsync(Result<IReadOnlyList<string>> removed)
    {
        foreach (var line in removed.Ok ? removed.Value : []) await Console.Out.WriteLineAsync($"removed {line}");
    }
}
