using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flanneld.Commands.Check.Facts;

namespace Flanneld.Commands.Check;

/// <summary>Checks whether iptables forwards packets of other nodes' containers to those of this node. Pure.</summary>
internal sealed class ForwardCheck(PublishedSubnet? subnet, CheckSection results)
{
    /// <param name="rules">Of this host; fails if they cannot be read.</param>
    /// <param name="interfaceName">The interface between the hosts.</param>
    /// <param name="bridgeName">The bridge of the containers; null if it is not known.</param>
    public void Run(Result<ForwardTrace> rules, string interfaceName, string? bridgeName)
    {
        var kind = CheckKind.ForwardPolicy;
        if (!rules.Ok)
        {
            results.Add(CheckResult.Unknown(kind, $"the rules of iptables are not read: {rules.Error}"));
            return;
        }

        var trace = rules.Value;
        if (subnet is null)
        {
            results.Add(trace.Policy == "ACCEPT"
                ? CheckResult.Ok(kind, "the policy of FORWARD is ACCEPT")
                : CheckResult.Note(
                    kind, $"the policy of FORWARD is {trace.Policy}: flanneld accepts the network when this node has its subnet,"
                    + " if it has CAP_NET_ADMIN (forward-rules.conf)"));
            return;
        }

        var result = trace.Follow(new ForwardedPacket(
            interfaceName, bridgeName ?? ContainerBridge.Cni, FindSource(subnet), new Ipv4Address(subnet.Subnet.Address.Value + 2)));
        var packets = $"packets of other nodes' containers to {subnet.Subnet}";
        if (result.IsAccepted)
        {
            results.Add(CheckResult.Ok(kind, $"{packets} are accepted: {result.By}"));
            return;
        }

        results.Add(CheckResult.Problem(
            kind, $"{packets} are dropped: {result.By}",
            bridgeName == ContainerBridge.Docker
                ? "install the drop-in for Docker, which makes rules in DOCKER-USER (docs/docker.md), or give flanneld CAP_NET_ADMIN"
                + " (forward-rules.conf)"
                : "give flanneld CAP_NET_ADMIN (forward-rules.conf of /usr/share/doc/flanneld/examples), or accept the network in"
                + " FORWARD"));
    }

    /// <summary>A packet must be accepted in each chain: these are not followed.</summary>
    /// <param name="chains">Of nftables without iptables; fails if they cannot be read.</param>
    public void CheckOtherChains(Result<NftForwardChain[]> chains)
    {
        if (!chains.Ok || chains.Value.Length == 0) return;
        var names = string.Join(", ", chains.Value.Select(chain => chain.ToString()));
        var kind = CheckKind.ForwardPolicy;
        var advice = $"see 'nft list ruleset', and accept {subnet?.Network.ToString() ?? "the network"} there";
        results.Add(chains.Value.Any(chain => chain.Policy != "accept")
            ? CheckResult.Warning(kind, $"nft drops what it does not accept in {names}, which is not followed", advice)
            : CheckResult.Note(kind, $"nft has rules of its own in {names}, which are not followed"));
    }

    /// <summary>An address of the network outside this node's subnet: the last one, or the first one if the subnet has the last.</summary>
    private static Ipv4Address FindSource(PublishedSubnet subnet)
    {
        var first = subnet.Network.Address.Value;
        var last = new Ipv4Address(first + (uint)((1UL << (32 - subnet.Network.Length)) - 1));
        return subnet.Subnet.Contains(last) ? new Ipv4Address(first) : last;
    }
}
