using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The subnets of a Node: <c>spec.podCIDRs</c>, one of each family in either order. Upstream reads host bits as zero.</summary>
public static class PodCidrs
{
    private const int MostCidrs = 2;

    /// <returns>The error is the rest of a line that begins with the Node's name.</returns>
    public static Result<SubnetKey> Parse(KubeNode node)
    {
        if (node.PodCidrs.Count == 0) return Result.Failure("has no podCIDR");
        Ipv4Network? ipv4 = null;
        Ipv6Network? ipv6 = null;
        foreach (var text in node.PodCidrs)
        {
            if (Ipv4Network.TryParse(text, '/', out var v4, out _) && ipv4 is null) ipv4 = v4;
            else if (Ipv6Network.TryParse(text, '/', out var v6, out _) && ipv6 is null) ipv6 = v6;
            else return Result.Failure($"has podCIDRs that are not one of each family: {Describe(node)}");
        }

        if (node.PodCidrs.Count > MostCidrs) return Result.Failure($"has more than {MostCidrs} podCIDRs: {Describe(node)}");
        return ipv4 is { } subnet
            ? new SubnetKey(subnet, ipv6)
            : Result.Failure($"has no IPv4 podCIDR: {Describe(node)}");
    }

    /// <summary>The same; null without subnets that can be used.</summary>
    public static SubnetKey? Find(KubeNode node)
    {
        var parsed = Parse(node);
        return parsed.Ok ? parsed.Value : null;
    }

    private static string Describe(KubeNode node) => PrintableText.Of(string.Join(", ", node.PodCidrs));
}
