using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>Makes the firewall of this host agree with the desired rules of one network. The first pass also removes what an earlier run
/// left: rules of another subnet, of a flag that is no longer given, of the other program, and of former networks. Later passes read what
/// is desired, and write only what differs. Not thread-safe: one pass at a time.</summary>
/// <remarks>Masquerading: nft if it is installed, otherwise iptables. Forwarding: always iptables, because an ACCEPT opens only the chain
/// that it is in, and the DROP is in FORWARD of iptables.</remarks>
/// <param name="usesNft"><c>EnableNFTables</c> of the network configuration; null if it is not given.</param>
public sealed class HostFirewall(FirewallRules rules, bool? usesNft, FirewallPrograms programs, TimeProvider time)
{
    private const string Nft = "nft";

    private readonly string iptablesName = FirewallPrograms.NameOfIptables(rules.Network.IsV6);
    private readonly NftFirewall? nft = programs.Find(Nft) is { } path
        ? new(path, NftTable.FamilyOf(rules.Network.IsV6), NftTable.NameOf(rules.Network))
        : null;

    private readonly IptablesFirewall? iptables = programs.FindIptables(rules.Network.IsV6) is { } found ? new(found, rules.Network) : null;
    private bool hasLooked;

    /// <summary>Networks of earlier runs, whose rules are removed.</summary>
    public IReadOnlyList<IpNetwork> FormerNetworks { get; init; } = [];

    private bool MasqueradesWithNft => usesNft switch
    {
        true => true,
        // Upstream's configurations often contain it: nft alone is enough for this daemon.
        false => nft is not null && iptables is null,
        null => nft is not null,
    };

    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<FirewallPass> ReconcileAsync(CancellationToken cancellation)
    {
        if (!hasLooked) await RemoveFormerNetworksAsync(cancellation);
        var byNft = await ReconcileNftAsync(cancellation);
        var snapshot = await ReadIptablesAsync(cancellation);
        var masquerading = rules.Masquerades && MasqueradesWithNft
            ? Combine(byNft, await ReconcileTableAsync(snapshot, IptablesTable.Empty(IptablesRules.Nat), cancellation), Nft)
            : Combine(await ReconcileTableAsync(snapshot, IptablesRules.Masquerading(rules), cancellation), byNft, iptablesName);
        if (!rules.Masquerades) masquerading = WithoutRefusal(masquerading);
        var forwarding = await ReconcileForwardingAsync(snapshot, cancellation);
        hasLooked = masquerading is not FirewallResult.Failed && forwarding is not FirewallResult.Failed;
        return new FirewallPass(masquerading, forwarding);
    }

    private async Task<Result<bool>?> ReconcileNftAsync(CancellationToken cancellation)
    {
        var isDesired = rules.Masquerades && MasqueradesWithNft;
        if (nft is null)
        {
            if (!isDesired) return null;
            return Result.Failure(
                $"EnableNFTables is true in the network configuration, and nft is not installed: {programs.Advise("nftables")}");
        }

        if (!isDesired && (hasLooked || programs.LacksPermission())) return null;
        return await FirewallCommand.LimitAsync(
            Nft, stop => nft.ReconcileAsync(isDesired ? NftTable.Compose(rules) : null, stop), time, cancellation);
    }

    /// <returns>Null if nothing is to be read.</returns>
    private async Task<Result<IptablesSnapshot>?> ReadIptablesAsync(CancellationToken cancellation)
    {
        var masquerades = rules.Masquerades && !MasqueradesWithNft;
        if (iptables is null || !(masquerades || rules.Forwards || (!hasLooked && !programs.LacksPermission()))) return null;
        var table = rules.Forwards ? IptablesRules.Filter : IptablesRules.Nat;
        var readsOne = hasLooked && masquerades != rules.Forwards;
        return await FirewallCommand.LimitAsync(
            iptablesName, stop => iptables.ReadAsync(readsOne ? table : null, stop), time, cancellation);
    }

    /// <returns>Null if nothing was compared.</returns>
    private async Task<Result<bool>?> ReconcileTableAsync(
        Result<IptablesSnapshot>? snapshot, IptablesTable desired, CancellationToken cancellation)
    {
        var isDesired = desired.Chains.Count > 0;
        if (iptables is null && isDesired)
        {
            return Result.Failure(desired.Name == IptablesRules.Nat
                ? $"neither nft nor {iptablesName} is installed: {programs.Advise("nftables")}, or omit the flag and let Docker masquerade"
                : $"{iptablesName} is not installed: {programs.Advise("iptables")}");
        }

        if (snapshot is null || (hasLooked && !isDesired)) return null;
        if (!snapshot.Ok)
        {
            // One failed read is reported once: by the rules that are desired, if there are any.
            if (!isDesired && (rules.Masquerades || rules.Forwards)) return null;
            return Result.Failure(snapshot.Error);
        }

        return await FirewallCommand.LimitAsync(
            iptablesName, stop => iptables!.ReconcileAsync(desired, snapshot.Value, stop), time, cancellation);
    }

    private async Task<FirewallResult> ReconcileForwardingAsync(Result<IptablesSnapshot>? snapshot, CancellationToken cancellation)
    {
        if (rules.Forwards && iptables is null)
            return new FirewallResult.Unavailable($"{iptablesName} is not installed: {programs.Advise("iptables")}");
        var hasDocker = snapshot is { Ok: true } && snapshot.Value.HasChain(IptablesRules.Filter, IptablesRules.DockerChain);
        var desired = IptablesRules.Forwarding(rules, hasDocker || programs.Find("dockerd") is not null);
        var result = Combine(await ReconcileTableAsync(snapshot, desired, cancellation), null, iptablesName);
        if (!rules.Forwards) return WithoutRefusal(result);
        return result is FirewallResult.Failed failed && FirewallCommand.IsRefusal(failed.Error)
            ? new FirewallResult.Unavailable(failed.Error)
            : result;
    }

    /// <summary>Earlier rules that this process may not see are no failure of rules that are not desired.</summary>
    private static FirewallResult WithoutRefusal(FirewallResult result) =>
        result is FirewallResult.Failed failed && FirewallCommand.IsRefusal(failed.Error) ? new FirewallResult.NotChecked() : result;

    private async Task RemoveFormerNetworksAsync(CancellationToken cancellation)
    {
        if (programs.LacksPermission()) return;
        // What cannot be removed now is reported by 'flanneld cleanup'; it does not concern this network.
        foreach (var former in FormerNetworks.Where(network => network != rules.Network))
            await new FirewallCleanup(programs, time).RemoveAsync(former, cancellation);
    }

    /// <param name="main">Of the program that manages the rules.</param>
    /// <param name="other">Of the program whose earlier rules are removed. Its failure does not matter while the rules are in place:
    /// iptables may need more permissions than nft.</param>
    private static FirewallResult Combine(Result<bool>? main, Result<bool>? other, string program)
    {
        if ((main is null ? other : main)?.Error is { } error) return new FirewallResult.Failed(error);
        if (main is null && other is null) return new FirewallResult.NotChecked();
        return new FirewallResult.InPlace(main is { Ok: true, Value: true } || other is { Ok: true, Value: true }, program);
    }
}
