using System.Text.Json;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Output;

namespace Flanneld.Tests.Commands.Leases;

public sealed class LeaseDescriptionTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private const string Instance = """{"InstanceId":"i-a","VpcId":"vpc-a"}""";
    private const string Tunnel = """{"InstanceId":"i-a","VpcId":"vpc-a","VNI":1,"VtepMAC":"0e:00:00:00:00:01"}""";

    [Fact]
    public void A_dual_stack_lease_has_the_fields_of_IPv6()
    {
        var route = Route(RouteState.Available) with
        {
            Ipv6 = new Ipv6RouteStatus("fd00:0:0:5::/64", RouteState.Rejected, "no IPv6", "R-2"),
        };
        Assert.Equal(
            """
            {"subnet":"10.24.5.0/24","publicIP":"192.168.1.5","ipv6Subnet":"fd00:0:0:5::/64","publicIPv6":"2001:db8::5",
            "backend":"ali-vpc","instanceId":"i-a","reservation":false,"expires":"2026-11-28T01:00:00Z","route":{"state":"Available",
            "tables":["vtb-a"],"message":"","requestId":"R-1","since":"2026-11-28T00:00:00Z",
            "tableStates":[{"table":"vtb-a","state":"Available","code":"","requestId":"","message":""}],"ipv6":{"state":"Rejected",
            "message":"no IPv6","requestId":"R-2","tableStates":null}},"fallback":false}
            """.ReplaceLineEndings(""),
            ToJson(new LeaseDescription(Lease(1, "fd00:0:0:5::/64", Instance), TimeSpan.FromHours(1), route)));
    }

    [Fact]
    public void The_states_by_table_are_written_for_both_families()
    {
        var route = Route(RouteState.Conflict) with
        {
            Tables = [new("vtb-a", RouteState.Conflict, "", "", "an entry")],
            Ipv6 = new Ipv6RouteStatus("fd00:0:0:5::/64", RouteState.Rejected, "no IPv6", "R-2")
            {
                Tables = [new("vtb-a", RouteState.Rejected, "OperationDenied.VpcIpv6NotEnabled", "R-3", "no IPv6")],
            },
        };
        var json = ToJson(new LeaseDescription(Lease(1, "fd00:0:0:5::/64", Instance), TimeSpan.FromHours(1), route));
        Assert.Contains(
            """tableStates":[{"table":"vtb-a","state":"Conflict","code":"","requestId":"","message":"an entry"}],"ipv6":{""", json,
            StringComparison.Ordinal);
        Assert.Contains(
            """tableStates":[{"table":"vtb-a","state":"Rejected","code":"OperationDenied.VpcIpv6NotEnabled","requestId":"R-3",""", json,
            StringComparison.Ordinal);
        var unknown = ToJson(new LeaseDescription(Lease(1, null, Instance), TimeSpan.FromHours(1), Route(RouteState.Conflict)));
        Assert.Contains("\"tableStates\":null", unknown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reservation_of_IPv6_has_its_subnet() => Assert.Equal(
        """
        {"subnet":"10.24.5.0/24","publicIP":"192.168.1.5","ipv6Subnet":"fd00:0:0:5::/64","publicIPv6":"2001:db8::5",
        "backend":"ali-vpc","instanceId":"","reservation":true,"expires":null,"route":null,"fallback":false}
        """.ReplaceLineEndings(""),
        ToJson(new LeaseDescription(Lease(0, "fd00:0:0:5::/64", null), null, null)));

    [Theory]
    [InlineData(RouteState.QuotaExceeded, true)]
    [InlineData(RouteState.Available, false)]
    public void A_node_in_fallback_says_so(RouteState state, bool expected)
    {
        using var json = JsonDocument.Parse(ToJson(new LeaseDescription(Lease(1, null, Tunnel), TimeSpan.FromHours(1), Route(state))));
        Assert.Equal(expected, json.RootElement.GetProperty("fallback").GetBoolean());
    }

    private static string ToJson(LeaseDescription lease) => JsonText.Compose(JsonText.OneLine, json => lease.WriteTo(json, Now));

    private static Lease Lease(long holding, string? ipv6, string? data) => new(
        new SubnetKey(Subnet, ipv6 is null ? null : Ipv6Network.Parse(ipv6)),
        new LeaseAttributes(Ipv4Address.Parse("192.168.1.5"), "2001:db8::5", "ali-vpc", data, null), new TestLeaseIdentity(1, holding), 1);

    private static RouteStatus Route(RouteState state) => new(Subnet.ToString(), "i-a", ["vtb-a"], state, "", "R-1", Now);
}
