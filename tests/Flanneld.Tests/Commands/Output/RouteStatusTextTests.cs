using Flannel.Core.Routes;
using Flanneld.Commands.Output;

namespace Flanneld.Tests.Commands.Output;

public sealed class RouteStatusTextTests
{
    private static readonly IReadOnlyList<TableRouteStatus> Tables =
        [new("vtb-b", RouteState.Denied, "Forbidden.RAM", "R-3", "missing permission …")];

    private static readonly DateTimeOffset Time = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("vSwitch vsw-1 may not be read")]
    [InlineData("missing permission vpc:CreateRouteEntries")]
    public void A_reason_that_no_table_has_is_shown_beside_them(string message)
    {
        var route = new RouteStatus("10.24.5.0/24", "i-a", ["vtb-b"], RouteState.Denied, message, "R-1", Time) { Tables = Tables };
        Assert.Equal($"Denied in vtb-b since 2026-11-27T00:00:00Z: {message} (request R-1)", RouteStatusText.WithTime(route));
        var ipv6 = new Ipv6RouteStatus("fd00::/64", RouteState.Denied, message, "R-2") { Tables = Tables };
        Assert.Equal($"Denied: {message} (request R-2)", RouteStatusText.Brief(ipv6));
    }

    [Fact]
    public void A_reason_of_a_table_is_not_repeated()
    {
        var message = Tables[0].Message;
        var route = new RouteStatus("10.24.5.0/24", "i-a", ["vtb-b"], RouteState.Denied, message, "R-1", Time) { Tables = Tables };
        Assert.Equal("Denied in vtb-b since 2026-11-27T00:00:00Z", RouteStatusText.WithTime(route));
    }
}
