using System.Text;
using System.Text.Json;
using Flannel.Core.Addresses;
using Flannel.Core.Routes;

namespace Flannel.Core.Tests.Routes;

public sealed class RouteStatusTests
{
    private const string Golden =
        """{"Subnet":"10.24.5.0/24","InstanceId":"i-bp1example","RouteTableIds":["vtb-1","vtb-2"],"State":"Available","Message":"","RequestId":"4EC47282-1B74-4534-BD0E-403F3EE64CAF","Time":"2026-08-10T09:08:07+00:00"}""";

    private static readonly RouteStatus Example = new(
        "10.24.5.0/24", "i-bp1example", ["vtb-1", "vtb-2"], RouteState.Available, "", "4EC47282-1B74-4534-BD0E-403F3EE64CAF",
        new DateTimeOffset(2026, 8, 10, 9, 8, 7, TimeSpan.Zero));

    [Fact]
    public void Its_text_in_etcd_is_fixed() => Assert.Equal(Golden, Encoding.UTF8.GetString(Example.ToJson()));

    [Fact]
    public void It_is_read_back()
    {
        var read = RouteStatus.Parse(Encoding.UTF8.GetBytes(Golden));
        Assert.NotNull(read);
        Assert.True(read.HasSameContentAs(Example));
        Assert.Equal((Example.RequestId, Example.Time), (read.RequestId, read.Time));
    }

    [Fact]
    public void What_a_later_version_adds_is_ignored()
    {
        var later = Golden.Replace("{", """{"Zone":"cn-hangzhou-b",""", StringComparison.Ordinal);
        Assert.True(RouteStatus.Parse(Encoding.UTF8.GetBytes(later))?.HasSameContentAs(Example));
    }

    [Fact]
    public void The_state_of_IPv6_follows_the_other_properties_and_is_read_back()
    {
        var status = Example with { Ipv6 = new("fd00:24:0:5::/64", RouteState.Rejected, "no IPv6", "R-1") };
        var text = Encoding.UTF8.GetString(status.ToJson());
        Assert.EndsWith(
            ""","Ipv6":{"Subnet":"fd00:24:0:5::/64","State":"Rejected","Message":"no IPv6","RequestId":"R-1"}}""", text,
            StringComparison.Ordinal);
        Assert.Equal(status.Ipv6, RouteStatus.Parse(status.ToJson())?.Ipv6);
        Assert.False(status.HasSameContentAs(Example));
        Assert.False(status.HasSameContentAs(status with { Ipv6 = status.Ipv6 with { State = RouteState.Pending } }));
        Assert.True(status.HasSameContentAs(status with { Ipv6 = status.Ipv6 with { RequestId = "R-2" } }));
    }

    [Fact]
    public void The_states_by_table_follow_the_other_properties_and_are_read_back()
    {
        var status = Example with
        {
            State = RouteState.Conflict,
            Tables = [AvailableIn("vtb-1"), new("vtb-2", RouteState.QuotaExceeded, "QuotaExceeded", "R-1", "full")],
        };
        Assert.EndsWith(
            ""","Tables":[{"Table":"vtb-1","State":"Available","Code":"","RequestId":"","Message":""},"""
            + """{"Table":"vtb-2","State":"QuotaExceeded","Code":"QuotaExceeded","RequestId":"R-1","Message":"full"}]}""",
            Encoding.UTF8.GetString(status.ToJson()), StringComparison.Ordinal);
        Assert.Equal(status.Tables, RouteStatus.Parse(status.ToJson())!.Tables);
        Assert.Equal(status.Tables, RouteStatus.Parse(status.ToJson())!.StateByTable());
        Assert.False(status.HasSameContentAs(status with { Tables = null }));
        Assert.False(status.HasSameContentAs(status with { Tables = [status.Tables[0]] }));
        Assert.False(status.HasSameContentAs(status with { Tables = [status.Tables[0], status.Tables[1] with { Code = "Other" }] }));
        Assert.True(status.HasSameContentAs(status with { Tables = [status.Tables[0], status.Tables[1] with { RequestId = "R-2" }] }));
    }

    [Fact]
    public void An_empty_list_of_tables_counts_as_absent()
    {
        var status = RouteStatus.Parse((Example with { State = RouteState.Conflict, Tables = [] }).ToJson())!;
        Assert.Null(status.Tables);
        Assert.Equal("Conflict in vtb-1, vtb-2", status.StateAndTables());
    }

    [Fact]
    public void A_longer_list_of_tables_than_this_program_writes_is_bounded()
    {
        var tables = Enumerable.Range(0, 10_000).Select(i => new TableRouteStatus($"vtb-{i}", RouteState.Denied, "", "", new('x', 1000)));
        var read = RouteStatus.Parse((Example with { Tables = [.. tables] }).ToJson())!.Tables!;
        Assert.Equal(TableRouteStatus.MaxTables, read.Count);
        Assert.All(read, table => Assert.Equal(TableRouteStatus.MaxMessageLength, table.Message.Length));
    }

    [Fact]
    public void A_status_of_an_older_version_has_the_states_by_table_only_if_the_route_is_available()
    {
        var available = RouteStatus.Parse(Encoding.UTF8.GetBytes(Golden))!;
        Assert.Null(available.Tables);
        Assert.Equal(
            [AvailableIn("vtb-1"), AvailableIn("vtb-2")], available.StateByTable());
        var conflict = RouteStatus.Parse(
            Encoding.UTF8.GetBytes(Golden.Replace("\"Available\"", "\"Conflict\"", StringComparison.Ordinal)))!;
        Assert.Null(conflict.StateByTable());
        Assert.Equal("Conflict in vtb-1, vtb-2", conflict.StateAndTables());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("[7]")]
    [InlineData("[null]")]
    [InlineData("""[{"Table":"vtb-1","State":"Lost","Code":"","RequestId":"","Message":""}]""")]
    [InlineData("""[{"Table":null,"State":"Conflict","Code":"","RequestId":"","Message":""}]""")]
    [InlineData("""[{"Table":"vtb-1"}]""")]
    public void States_by_table_that_cannot_be_read_leave_that_of_the_route(string tables)
    {
        var status = RouteStatus.Parse(Encoding.UTF8.GetBytes(Golden[..^1] + $",\"Tables\":{tables}}}"));
        Assert.Equal((RouteState.Available, null), (status!.State, status.Tables));
    }

    [Theory]
    [InlineData(RouteState.QuotaExceeded, "QuotaExceeded in vtb-2, Available in vtb-1")]
    [InlineData(RouteState.Rejected, "Rejected; Available in vtb-1, QuotaExceeded in vtb-2")]
    public void The_state_of_the_route_is_followed_by_those_of_its_tables(RouteState state, string text) => Assert.Equal(
        text,
        (Example with
        {
            State = state,
            Tables = [AvailableIn("vtb-1"), new("vtb-2", RouteState.QuotaExceeded, "QuotaExceeded", "R-1", "full")],
        }).StateAndTables());

    [Fact]
    public void The_tables_of_a_status_are_bounded_and_sorted()
    {
        var message = new string('x', TableRouteStatus.MaxMessageLength - 2) + "\ud83d\ude00 and more";
        var tables = Enumerable.Range(10, 30).Reverse()
            .Select(i => AvailableIn($"vtb-{i}") with { State = i % 3 == 0 ? RouteState.Denied : RouteState.Available, Message = message });
        var bound = TableRouteStatus.Bound(tables);
        Assert.Equal(TableRouteStatus.MaxTables, bound.Count);
        Assert.Equal(10, bound.Count(table => table.State == RouteState.Denied));
        Assert.Equal(bound.OrderBy(table => table.Table, StringComparer.Ordinal), bound);
        Assert.All(bound, table => Assert.Equal(new string('x', TableRouteStatus.MaxMessageLength - 2) + "…", table.Message));
        var status = Example with { Tables = bound };
        Assert.True(RouteStatus.Parse(status.ToJson())!.HasSameContentAs(status));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("""{"Subnet":"fd00:24:0:5::/64","State":"Lost","Message":"","RequestId":""}""")]
    [InlineData("""{"Subnet":null,"State":"Available","Message":"","RequestId":""}""")]
    public void A_state_of_IPv6_that_cannot_be_read_leaves_that_of_IPv4(string ipv6)
    {
        var text = Golden[..^1] + $",\"Ipv6\":{ipv6}}}";
        var status = RouteStatus.Parse(Encoding.UTF8.GetBytes(text));
        Assert.Equal((RouteState.Available, null), (status!.State, status.Ipv6));
    }

    [Theory]
    [InlineData(RouteState.Pending, "Pending")]
    [InlineData(RouteState.Available, "Available")]
    [InlineData(RouteState.Conflict, "Conflict")]
    [InlineData(RouteState.QuotaExceeded, "QuotaExceeded")]
    [InlineData(RouteState.Denied, "Denied")]
    [InlineData(RouteState.Rejected, "Rejected")]
    [InlineData(RouteState.Released, "Released")]
    [InlineData(RouteState.Unreachable, "Unreachable")]
    public void Each_state_has_a_name_in_etcd(RouteState state, string name)
    {
        var json = (Example with { State = state }).ToJson();
        Assert.Equal(name, JsonDocument.Parse(json).RootElement.GetProperty("State").GetString());
        Assert.Equal(state, RouteStatus.Parse(json)?.State);
    }

    [Fact]
    public void Every_state_has_its_row_above() => Assert.Equal(8, Enum.GetValues<RouteState>().Length);

    [Theory]
    [InlineData("\"Available\"", "1")]
    [InlineData("\"Available\"", "99")]
    [InlineData("\"Available\"", "\"1\"")]
    [InlineData("\"Available\"", "\"Pending, Available\"")]
    [InlineData("\"Available\"", "\"available\"")]
    [InlineData("\"Available\"", "\" Available\"")]
    [InlineData("\"Available\"", "\"\\ud800\"")]
    [InlineData("\"Available\"", "\"Ready\"")]
    [InlineData("\"Available\"", "\"\"")]
    [InlineData("\"Available\"", "null")]
    [InlineData("\"State\":\"Available\",", "")]
    [InlineData("\"Subnet\":\"10.24.5.0/24\",", "")]
    [InlineData("\"10.24.5.0/24\"", "null")]
    [InlineData("\"10.24.5.0/24\"", "7")]
    [InlineData("\"i-bp1example\"", "null")]
    [InlineData("[\"vtb-1\",\"vtb-2\"]", "null")]
    [InlineData("[\"vtb-1\",\"vtb-2\"]", "\"vtb-1\"")]
    [InlineData("\"vtb-2\"", "null")]
    [InlineData("\"vtb-2\"", "2")]
    [InlineData("\"Message\":\"\"", "\"Message\":null")]
    [InlineData("\"4EC47282-1B74-4534-BD0E-403F3EE64CAF\"", "null")]
    [InlineData("\"2026-08-10T09:08:07+00:00\"", "\"yesterday\"")]
    [InlineData("\"2026-08-10T09:08:07+00:00\"", "null")]
    [InlineData(",\"Time\":\"2026-08-10T09:08:07+00:00\"", "")]
    [InlineData("i-bp1example", "\\ud800")]
    [InlineData("+00:00\"}", "+00:00\"")]
    [InlineData("+00:00\"}", "+00:00\"} {}")]
    public void An_incomplete_or_other_value_is_not_a_status(string part, string instead)
    {
        Assert.Contains(part, Golden, StringComparison.Ordinal);
        Assert.Null(RouteStatus.Parse(Encoding.UTF8.GetBytes(Golden.Replace(part, instead, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("ok")]
    [InlineData("""{"PublicIP":"1.2.3.4","PublicIPv6":null}""")]
    public void Other_text_is_not_a_status(string text) => Assert.Null(RouteStatus.Parse(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void No_bytes_throw() => Hostile.Bytes(
            Golden, "\"Subnet\":", "\"State\":", ",\"Tables\":[", "{\"Table\":\"vtb-1\",", "\"Code\":\"\"",
            "\"Available\"", "\"RouteTableIds\":", "\"Time\":",
            "\"2026-08-10T09:08:07Z\"", "\"Message\":\"\"")
        .Always(bytes =>
        {
            if (RouteStatus.Parse(bytes) is { } status) Assert.True(RouteStatus.Parse(status.ToJson())?.HasSameContentAs(status));
        }, times: 40_000);

    [Fact]
    public void A_status_belongs_to_one_subnet_and_one_instance()
    {
        Assert.True(Example.IsFor(Ipv4Network.Parse("10.24.5.0/24"), "i-bp1example"));
        Assert.False(Example.IsFor(Ipv4Network.Parse("10.24.6.0/24"), "i-bp1example"));
        Assert.False(Example.IsFor(Ipv4Network.Parse("10.24.5.0/25"), "i-bp1example"));
        Assert.False(Example.IsFor(Ipv4Network.Parse("10.24.5.0/24"), "i-bp1exampl"));
        Assert.False(Example.IsFor(Ipv4Network.Parse("10.24.5.0/24"), "I-BP1EXAMPLE"));
    }

    [Fact]
    public void Two_statuses_are_the_same_if_only_time_and_request_differ()
    {
        Assert.True(Example.HasSameContentAs(Example with { Time = Example.Time.AddDays(1), RequestId = "another" }));
        Assert.False(Example.HasSameContentAs(Example with { Subnet = "10.24.6.0/24" }));
        Assert.False(Example.HasSameContentAs(Example with { InstanceId = "i-2" }));
        Assert.False(Example.HasSameContentAs(Example with { RouteTableIds = ["vtb-1"] }));
        Assert.False(Example.HasSameContentAs(Example with { RouteTableIds = ["vtb-2", "vtb-1"] }));
        Assert.False(Example.HasSameContentAs(Example with { State = RouteState.Pending }));
        Assert.False(Example.HasSameContentAs(Example with { Message = "x" }));
    }

    private static TableRouteStatus AvailableIn(string table) => new(table, RouteState.Available, "", "", "");
}
