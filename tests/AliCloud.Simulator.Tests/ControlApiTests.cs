using System.Text.Json.Nodes;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class ControlApiTests
{
    private static readonly (string, string)[] Region = [("RegionId", "cn-hangzhou")];

    [Fact]
    public async Task The_whole_state_is_shown_without_secrets()
    {
        await using var test = await TestCloud.StartAsync();
        await test.GetMetadataAsync("i-1", "/latest/meta-data/ram/security-credentials/FlannelRole");
        var state = await AskAsync(test, "GET", "/state");
        Assert.Equal(4, state!["instances"]!.AsArray().Count);
        Assert.Equal("2026-01-02T03:04:05+00:00", (string?)state["now"]);
        Assert.Equal("Available", (string?)state["vpcs"]![0]!["routeTables"]![0]!["entries"]![0]!["status"]);
        Assert.DoesNotContain(Clouds.Secret, state.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("CAIS", state.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_creates_changes_and_deletes_routes_at_once()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed(); // changes by an operator do not wait for it
        var made = await AskAsync(
            test, "POST", "/routes", """{"routeTableId":"vtb-1","destinationCidrBlock":"10.24.2.0/24","nextHopId":"i-1"}""");
        var id = (string)made!["routeEntryId"]!;
        RouteView Route() => test.Cloud.State.CustomRoutes().Single(r => r.RouteEntryId == id);
        Assert.Equal((EntryState.Available, "i-1"), (Route().Status, Route().NextHopId));
        await AskAsync(test, "PATCH", "/routes/" + id, """{"nextHopId":"i-2","nextHopType":"Instance"}""");
        Assert.Equal("192.168.1.12", Route().NextHopPrivateIp);
        await AskAsync(test, "DELETE", "/routes/" + id);
        await AskAsync(test, "DELETE", "/routes?routeTableId=vtb-1&destinationCidrBlock=10.24.1.0/24");
        Assert.DoesNotContain(test.Cloud.State.CustomRoutes(), r => r.DestinationCidrBlock.StartsWith("10.24.", StringComparison.Ordinal));
        (await test.CreateAsync("10.24.3.0/24")).MustSucceed(); // an entry that was deleted while pending holds no lock
    }

    [Fact]
    public async Task An_operator_changes_permissions()
    {
        await using var test = await TestCloud.StartAsync(w => w with { OidcProviders = [new() { Name = "cluster" }] });
        await AskAsync(test, "PATCH", "/accessKeys/" + Clouds.KeyId, """{"inactive":true}""");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidAccessKeyId.Inactive");
        await AskAsync(test, "DELETE", "/accessKeys/" + Clouds.KeyId);
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustFail(404, "InvalidAccessKeyId.NotFound");
        await AskAsync(test, "POST", "/accessKeys", $$"""{"id":"{{Clouds.KeyId}}","secret":"{{Clouds.Secret}}"}""");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        using var sts = new SigningClient(test.Cloud.Api, test.Clock) { Version = "2015-04-01" };
        (string, string)[] parameters = [("RoleArn", "acs:ram::1234567890123456:role/FlannelRole"), ("RoleSessionName", "me")];
        (await sts.CallAsync("AssumeRole", parameters)).MustFail(403, "NoPermission");
        await AskAsync(test, "POST", "/roles/FlannelRole", $$"""{"trustedBy":["{{Clouds.KeyId}}"]}""");
        (await sts.CallAsync("AssumeRole", parameters)).MustSucceed();
        await AskAsync(test, "POST", "/roles/FlannelRole/revoke");
        await AskAsync(test, "POST", "/oidcProviders/cluster", """{"tokens":["t"]}""");
        await AskAsync(test, "PATCH", "/settings", """{"clockSkewSeconds":1000}""");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustFail(400, "InvalidTimeStamp.Expired");
    }

    [Theory]
    [InlineData("POST", "/routes", """{"routeTableId":"vtb-1","destinationCidrBlock":"0.0.0.0/0","nextHopId":"i-1"}""",
        "InvalidCIDRBlock.Duplicate")]
    [InlineData("POST", "/routes",
        """{"routeTableId":"vtb-1","destinationCidrBlock":"10.24.2.0/24","nextHopId":"i-9"}""", "InvalidNextHopId.NotFound")]
    [InlineData("POST", "/routes", """{"routeTableId":"vtb-9","destinationCidrBlock":"10.24.2.0/24","nextHopId":"i-1"}""",
        "InvalidRouteTableId.NotFound")]
    [InlineData("POST", "/routes", """{"routeTableId":"vtb-1","destinationCidr":"10.24.2.0/24","nextHopId":"i-1"}""", "BadRequest")]
    [InlineData("POST", "/faults", """{"kind":"explode"}""", "BadRequest")]
    [InlineData("POST", "/faults", "no json", "BadRequest")]
    [InlineData("PATCH", "/settings", """{"routeWriteMiliseconds":1}""", "BadRequest")]
    [InlineData("PATCH", "/instances/i-1", """{"color":"red"}""", "BadRequest")]
    [InlineData("PATCH", "/interfaces/eni-9", """{"sourceDestCheck":false}""", "InvalidEniId.NotFound")]
    [InlineData("POST", "/instances", """{"instanceId":"i-1","interfaces":[]}""", "BadRequest")]
    [InlineData("POST", "/roles/FlannelRole", """{"color":"red"}""", "BadRequest")]
    [InlineData("POST", "/roles/NoRole/revoke", "", "EntityNotExist.Role")]
    [InlineData("PATCH", "/accessKeys/LTAInone", """{"inactive":true}""", "InvalidAccessKeyId.NotFound")]
    [InlineData("POST", "/oidcProviders/none", """{"tokens":[]}""", "EntityNotExist.OIDCProvider")]
    [InlineData("DELETE", "/faults/f9", "", "NotFound")]
    [InlineData("GET", "/nothing", "", "NotFound")]
    public async Task An_invalid_change_is_rejected_with_its_reason(string method, string path, string body, string code)
    {
        await using var test = await TestCloud.StartAsync();
        var before = test.Cloud.State.Snapshot().Version;
        using var response = await SendAsync(test, method, path, body);
        Assert.InRange((int)response.StatusCode, 400, 404);
        Assert.Equal(code, (string?)JsonNode.Parse(
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["code"]);
        Assert.Equal(before, test.Cloud.State.Snapshot().Version);
    }

    [Fact]
    public async Task A_watch_returns_after_a_change()
    {
        await using var test = await TestCloud.StartAsync();
        var now = await AskAsync(test, "GET", "/state/routes/watch?after=0");
        var version = (long)now!["version"]!;
        var watch = AskAsync(test, "GET", $"/state/routes/watch?after={version}&vpcId=vpc-1");
        await AskAsync(test, "PATCH", "/interfaces/eni-1", """{"sourceDestCheck":false}""");
        var changed = await watch;
        Assert.True((long)changed!["version"]! > version);
        var eni = changed["interfaces"]!.AsArray().Single(i => (string?)i!["networkInterfaceId"] == "eni-1")!;
        Assert.Equal((false, "i-1", "192.168.1.11"),
            ((bool)eni["sourceDestCheck"]!, (string?)eni["instanceId"], (string?)eni["privateIp"]));
        Assert.DoesNotContain(changed["routes"]!.AsArray(), r => (string?)r!["routeTableId"] == "vtb-other");
    }

    [Fact]
    public async Task A_watch_sees_a_write_settle()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        var version = test.Cloud.State.Snapshot().Version;
        var watch = AskAsync(test, "GET", $"/state/routes/watch?after={version}");
        test.Settle();
        var route = (await watch)!["routes"]!.AsArray().Single(r => (string?)r!["destinationCidrBlock"] == "10.24.1.0/24")!;
        Assert.Equal(("Available", "192.168.1.11"), ((string?)route["status"], (string?)route["nextHopPrivateIp"]));
    }

    [Fact]
    public async Task A_watch_without_a_change_ends_after_thirty_seconds()
    {
        await using var test = await TestCloud.StartAsync();
        var version = test.Cloud.State.Snapshot().Version;
        var watch = AskAsync(test, "GET", $"/state/routes/watch?after={version}");
        await Until.TrueAsync(() =>
        {
            test.Clock.Advance(TimeSpan.FromSeconds(30));
            return watch.IsCompleted;
        });
        Assert.Equal(version, (long)(await watch)!["version"]!);
    }

    [Fact]
    public async Task Calls_are_listed_counted_and_cleared()
    {
        await using var test = await TestCloud.StartAsync();
        await test.Vpc.CallAsync("DescribeVpcs", Region);
        await test.CreateAsync("10.24.1.0/24");
        await test.CreateAsync("10.24.2.0/24");
        var calls = (await AskAsync(test, "GET", "/calls"))!.AsArray();
        Assert.Equal([1L, 2L, 3L], calls.Select(c => (long)c!["n"]!));
        Assert.Equal(("CreateRouteEntry", "TaskConflict", 400, "10.24.2.0/24", Clouds.KeyId),
            ((string?)calls[2]!["action"], (string?)calls[2]!["code"],
            (int)calls[2]!["status"]!, (string?)calls[2]!["parameters"]!["DestinationCidrBlock"], (string?)calls[2]!["accessKeyId"]));
        Assert.Single((await AskAsync(test, "GET", "/calls?after=2"))!.AsArray());
        Assert.Equal("""{"vpc:CreateRouteEntry":2,"vpc:DescribeVpcs":1}""",
            (await AskAsync(test, "GET", "/calls/summary"))!.ToJsonString());
        await AskAsync(test, "DELETE", "/calls");
        Assert.Empty((await AskAsync(test, "GET", "/calls"))!.AsArray());
        await test.Vpc.CallAsync("DescribeVpcs", Region);
        Assert.Equal(4, (long)(await AskAsync(test, "GET", "/calls"))!.AsArray().Single()!["n"]!);
    }

    [Fact]
    public async Task Faults_are_added_listed_and_removed()
    {
        await using var test = await TestCloud.StartAsync();
        var made = await AskAsync(test, "POST", "/faults",
            """{"service":"vpc","action":"*","times":-1,"kind":"code","code":"ServiceUnavailable","httpStatus":503}""");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustFail(503, "ServiceUnavailable");
        Assert.Equal("code", (string?)(await AskAsync(test, "GET", "/faults"))!.AsArray().Single()!["kind"]);
        await AskAsync(test, "DELETE", "/faults/" + (string?)made!["id"]);
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        await AskAsync(test, "POST", "/faults", """{"kind":"timeoutAfterSuccess","delayMilliseconds":5}""");
        await AskAsync(test, "DELETE", "/faults");
        Assert.Empty(test.Cloud.Faults.All);
    }

    [Fact]
    public async Task An_instance_that_a_route_names_is_released_with_force_only()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24", "i-2")).MustSucceed();
        using var error = await SendAsync(test, "DELETE", "/instances/i-2", "");
        Assert.Contains("DependencyViolation.RouteEntry", await error.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        await AskAsync(test, "DELETE", "/instances/i-2?force=true");
        Assert.Null(test.Cloud.State.CustomRoutes().Single(r => r.NextHopId == "i-2").NextHopPrivateIp);
        await Assert.ThrowsAsync<KeyNotFoundException>(() => test.GetMetadataAsync("i-2", "/latest/meta-data/instance-id"));
        await AskAsync(test, "DELETE", "/instances/i-3"); // no route names it
    }

    [Fact]
    public async Task An_added_instance_has_its_own_metadata_service()
    {
        await using var test = await TestCloud.StartAsync();
        var made = await AskAsync(test, "POST", "/instances", """
            {"instanceId":"i-new","ramRole":"FlannelRole","metadataPort":0,
             "interfaces":[{"networkInterfaceId":"eni-new","mac":"00:16:3e:00:00:77","vSwitchId":"vsw-1","privateIp":"192.168.1.77"}]}
            """);
        Assert.Equal(test.Cloud.MetadataByInstance["i-new"], new Uri((string)made!["metadataUrl"]!));
        Assert.Equal("i-new", await test.GetMetadataAsync("i-new", "/latest/meta-data/instance-id"));
        Assert.True(test.Cloud.State.Snapshot().Interfaces.Single(i => i.InstanceId == "i-new").SourceDestCheck);
    }

    [Fact]
    public async Task Settings_roles_and_modes_change_while_it_runs()
    {
        await using var test = await TestCloud.StartAsync();
        await AskAsync(test, "PATCH", "/settings", """{"routeWriteMilliseconds":0}""");
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        (await test.CreateAsync("10.24.2.0/24")).MustSucceed();
        Assert.Equal(200, test.Cloud.Console.Settings.RouteEntryQuota);
        await AskAsync(test, "POST", "/roles/FlannelRole", """{"deniedActions":["vpc:*"]}""");
        await AskAsync(test, "POST", "/roles/NewRole", """{"deniedActions":[]}""");
        await AskAsync(test, "PATCH", "/instances/i-1", """{"ramRole":"NewRole","hardenedMetadata":true}""");
        using var hardened = await test.MetadataAsync("i-1", HttpMethod.Get, "/latest/meta-data/instance-id");
        Assert.Equal(403, (int)hardened.StatusCode);
        await AskAsync(test, "PATCH", "/instances/i-1", """{"ramRole":null,"hardenedMetadata":false}""");
        using var roleless = await test.MetadataAsync("i-1", HttpMethod.Get, "/latest/meta-data/ram/security-credentials/");
        Assert.Equal(404, (int)roleless.StatusCode);
        await AskAsync(test, "POST", "/vpcs/vpc-1/routeTables", """{"routeTableId":"vtb-new","routeTableType":"Custom"}""");
        await AskAsync(test, "PATCH", "/vswitches/vsw-1", """{"routeTableId":"vtb-new"}""");
        var vSwitch = await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", "vsw-1"));
        Assert.Equal("vtb-new", (string?)vSwitch.Body["RouteTable"]!["RouteTableId"]);
    }

    [Fact]
    public async Task The_services_are_stopped_and_started()
    {
        await using var test = await TestCloud.StartAsync();
        await AskAsync(test, "POST", "/api/stop");
        await AskAsync(test, "POST", "/metadata/stop");
        await Assert.ThrowsAsync<HttpRequestException>(() => test.Vpc.CallAsync("DescribeVpcs", Region));
        await Assert.ThrowsAsync<HttpRequestException>(() => test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
        await AskAsync(test, "POST", "/api/start");
        await AskAsync(test, "POST", "/metadata/start");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        Assert.Equal("i-1", await test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
    }

    private static async Task<JsonNode?> AskAsync(TestCloud test, string method, string path, string body = "")
    {
        using var response = await SendAsync(test, method, path, body);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text);
    }

    private static async Task<HttpResponseMessage> SendAsync(TestCloud test, string method, string path, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(test.Cloud.Control, path));
        if (body.Length > 0) request.Content = new StringContent(body);
        return await test.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
