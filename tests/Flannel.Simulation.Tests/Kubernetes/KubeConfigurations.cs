using System.Text.Json.Nodes;

namespace Flannel.Simulation.Tests.Kubernetes;

/// <summary>The contents of <c>net-conf.json</c> in a history.</summary>
/// <param name="isDualStack">The nodes have a podCIDR of each family.</param>
internal sealed class KubeConfigurations(bool isDualStack)
{
    /// <summary>So few podCIDRs that those of deleted nodes are assigned again.</summary>
    public const int PodCidrs = 16;

    private const string Invalid = "{";

    /// <summary>Of all podCIDRs.</summary>
    private const string Network = "10.24.0.0/20";
    private const string Ipv6Network = "fd00:24::/48";

    /// <summary>Widened, narrowed, and replaced by another: running nodes keep their subnets and routes.</summary>
    private static readonly string[] OtherNetworks = ["10.24.0.0/16", "10.24.0.0/22", "10.24.8.0/21", "10.42.0.0/16"];

    /// <summary>The first configuration and the last one: each podCIDR is inside its networks.</summary>
    public string Usual => Of(Network, "ali-vpc", isDualStack);

    /// <summary>The podCIDRs with a number, in the order that the controller manager assigns them.</summary>
    public IReadOnlyList<string> PodCidrsOf(int number, bool isIpv6First)
    {
        string[] both = [$"10.24.{number}.0/24", $"fd00:24:0:{number:x}::/64"];
        if (!isDualStack) return both[..1];
        return isIpv6First ? [both[1], both[0]] : both;
    }

    public string Any(Random random) => random.Next(8) switch
    {
        0 => Invalid,
        1 => Of(Network, "alloc", isDualStack),
        2 when isDualStack => Of(Network, "ali-vpc", withIpv6: false),
        3 or 4 => Usual,
        _ => Of(OtherNetworks[random.Next(OtherNetworks.Length)], "ali-vpc", isDualStack),
    };

    private static string Of(string network, string backend, bool withIpv6)
    {
        var config = new JsonObject { ["Network"] = network, ["Backend"] = new JsonObject { ["Type"] = backend } };
        if (withIpv6) (config["EnableIPv6"], config["IPv6Network"]) = (true, Ipv6Network);
        return config.ToJsonString();
    }
}
