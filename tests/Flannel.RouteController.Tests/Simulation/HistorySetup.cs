using AliCloud.Simulator.Setup;
using Flannel.AliCloud.Tests.Support;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>Two VPCs with the instances of two clusters, and the entries of other clients in the route tables.</summary>
internal static class HistorySetup
{
    public const string Secret = "a-secret-of-the-simulation";
    public const int Quota = 120;
    public const int OldDaemons = 4;

    public static CloudSetup Create(IEnumerable<string> keys, IEnumerable<ClusterPlan> clusters) => new()
    {
        RegionId = TestCloud.Region,
        Settings = new CloudSettings { RouteEntryQuota = Quota },
        AccessKeys = [.. keys.Select(id => new AccessKeySetup { Id = id, Secret = Secret })],
        Vpcs =
        [
            Vpc("vpc-1", [VSwitch(1), VSwitch(2)],
            [
                new RouteTableSetup
                {
                    RouteTableId = "vtb-1",
                    Entries =
                    [
                        Gateway("0.0.0.0/0", "NatGateway", "ngw-1", Cluster.Mark.Token),
                        Unmanaged("10.99.3.0/24", Cluster.Mark.Token), Unmanaged("10.24.200.0/24", ""),
                        Unmanaged("10.24.201.0/24", Plans.Theirs.Token),
                        Unmanaged("10.24.0.0/20", ""),
                        // An entry of a transit router with our mark: the API would reject a change, and no controller tries one.
                        Unmanaged("10.24.202.0/24", Cluster.Mark.Token) with { ServiceType = "TR" },
                        Gateway("10.24.204.0/24", "VpnGateway", "vpn-1", Cluster.Mark.Token),
                        Gateway("10.24.205.0/24", "VpcPeer", "pcc-1", ""),
                        // Occupies the subnet of a lease permanently.
                        Gateway("10.24.23.0/24", "VpnGateway", "vpn-1", ""),
                    ],
                },
                new RouteTableSetup { RouteTableId = "vtb-2", RouteTableType = "Custom", Entries = [Unmanaged("10.24.203.0/24", "")] },
                new RouteTableSetup { RouteTableId = "vtb-gw", RouteTableType = "Custom", AssociateType = "Gateway" },
            ]),
            Vpc("vpc-2", [VSwitch(3)],
                [new RouteTableSetup { RouteTableId = "vtb-3", Entries = [Gateway("10.24.206.0/24", "VpnGateway", "vpn-2", "")] }]),
        ],
        Instances =
        [
            .. clusters.SelectMany((plan, k) => Enumerable.Range(plan.Nodes.Start.Value, plan.Nodes.End.Value - plan.Nodes.Start.Value)
                .Select(node => Instance(plan.Prefix, node, 1000 * (k + 1) + node))),
            .. Enumerable.Range(0, OldDaemons).Select(k => Other($"i-old-{k}", 100 + k)), Other("i-x", 99),
        ],
    };

    public static RouteEntrySetup Unmanaged(string destination, string name) =>
        new() { DestinationCidrBlock = destination, NextHopId = "i-x", RouteEntryName = name };

    public static RouteEntrySetup Gateway(string destination, string type, string id, string name) =>
        new() { DestinationCidrBlock = destination, NextHopType = type, NextHopId = id, RouteEntryName = name };

    private static VpcSetup Vpc(string id, IReadOnlyList<VSwitchSetup> vSwitches, IReadOnlyList<RouteTableSetup> tables) =>
        new() { VpcId = id, CidrBlock = "192.168.0.0/16", RouteTables = tables, VSwitches = vSwitches };

    private static VSwitchSetup VSwitch(int n) =>
        new() { VSwitchId = $"vsw-{n}", CidrBlock = $"192.168.{n}.0/24", ZoneId = "cn-hangzhou-h", RouteTableId = $"vtb-{n}" };

    private static InstanceSetup Instance(string prefix, int node, int mac)
    {
        var vSwitch = HistoryCluster.VSwitchNumberOf(node);
        var own = TestCloud.Interface($"eni-{prefix}{node}", mac, $"vsw-{vSwitch}", $"192.168.{vSwitch}.{20 + mac % 200}");
        var main = TestCloud.Interface($"eni-main-{prefix}{node}", 5000 + mac, $"vsw-{vSwitch}",
            $"192.168.{vSwitch}.{20 + (mac + 100) % 200}");
        var instance = TestCloud.Instance(prefix + node, HistoryCluster.IsPrimary(node) ? [own] : [main, own]);
        return instance with { MetadataPort = null, RamRole = null };
    }

    private static InstanceSetup Other(string id, int n)
    {
        var instance = TestCloud.Instance(id, TestCloud.Interface($"eni-{id}", n, "vsw-1", $"192.168.1.{n + 140}"));
        return instance with { MetadataPort = null, RamRole = null };
    }
}
