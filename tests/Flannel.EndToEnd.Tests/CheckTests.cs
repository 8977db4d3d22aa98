using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>flanneld check</c> on instances with and without a running daemon.</summary>
public sealed class CheckTests : EndToEndTest
{
    [Fact]
    public async Task Check_before_the_first_start_reports_what_is_missing_and_changes_nothing()
    {
        await StartVpcAsync(1, publishConfig: false);

        var (result, report) = await CheckAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("1 problem, see above", result.Error, StringComparison.Ordinal);
        var config = CheckOf(report, "configuration");
        Assert.Equal("problem", Text(config, "state"));
        Assert.StartsWith("flanneld config set '", Text(config, "advice"), StringComparison.Ordinal);
        string[] subjects =
        [
            "interface", "etcd", "metadata", "identity", "vpc endpoint", "ecs endpoint", "credentials", "clock", "RAM permissions",
            "route table", "quota",
        ];
        foreach (var subject in subjects)
        {
            Assert.Equal((subject, "ok"), (subject, Text(CheckOf(report, subject), "state")));
        }

        Assert.Contains(Vpc.Instances[0].InstanceId, Text(CheckOf(report, "identity"), "detail"), StringComparison.Ordinal);
        Assert.Equal("note", Text(CheckOf(report, "security group"), "state"));
        await AssertNothingChangedAsync();
        Assert.Empty(await Vpc.Etcd.Keys.ListAsync("/", Cancel));
    }

    [Fact]
    public async Task Check_exits_with_0_with_and_without_a_running_daemon_if_all_checks_pass()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), SourceDestCheck = false });
        var (first, before) = await CheckAsync();
        Assert.True(first.ExitCode == 0, first.Error + first.Output);
        Assert.Equal("none now: no daemon that may write routes runs", Text(CheckOf(before, "route controller"), "detail"));
        Assert.EndsWith("this node has none", Text(CheckOf(before, "leases"), "detail"), StringComparison.Ordinal);
        var permissions = CheckOf(before, "RAM permissions");
        // Every permission was tested with a clear result.
        Assert.Equal((12, 0), (int.Parse(Text(permissions, "detail").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture),
            permissions["lines"]!.AsArray().Count));
        Assert.StartsWith("off ", Text(CheckOf(before, "source/destination check"), "detail"), StringComparison.Ordinal);
        await AssertNothingChangedAsync();

        await StartReadyAsync(0);
        var (result, report) = await CheckAsync();
        Assert.True(result.ExitCode == 0, result.Error + result.Output);
        Assert.EndsWith($"this node has {await SubnetAsync(0)}", Text(CheckOf(report, "leases"), "detail"), StringComparison.Ordinal);
        Assert.Equal("agree", Text(CheckOf(report, "leases and routes"), "detail"));
        Assert.Contains(Vpc.Instances[0].InstanceId, Text(CheckOf(report, "route controller"), "detail"), StringComparison.Ordinal);
        Assert.Null(report["policy"]);
    }

    [Fact]
    public async Task Missing_permissions_are_reported_with_a_policy_that_grants_exactly_them()
    {
        await StartVpcAsync(1, new CloudSetup
        {
            Instances = CloudSetup.MakeInstances(1),
            DeniedActions = ["vpc:CreateRoute*", "vpc:DeleteRouteEntries", "ecs:ModifyNetworkInterfaceAttribute"],
            SourceDestCheck = false,
        });

        var (result, report) = await CheckAsync();

        Assert.Equal(1, result.ExitCode);
        Assert.Equal(("problem", "8 of 12 actions are allowed"),
            (Text(CheckOf(report, "RAM permissions"), "state"), Text(CheckOf(report, "RAM permissions"), "detail")));
        string[] missing = ["vpc:CreateRouteEntry", "vpc:CreateRouteEntries", "vpc:DeleteRouteEntries",
            "ecs:ModifyNetworkInterfaceAttribute"];
        var policy = report["policy"]!;
        Assert.Equal("1", (string?)policy["Version"]);
        var statement = Assert.Single(policy["Statement"]!.AsArray())!;
        Assert.Equal(("Allow", "*"), ((string?)statement["Effect"], (string?)statement["Resource"]));
        Assert.Equal(missing, statement["Action"]!.AsArray().Select(action => (string?)action));

        var table = await Vpc.Instances[0].RunCommandAsync("check", Cancel);
        Assert.Equal(1, table.ExitCode);
        var json = table.Output[table.Output.IndexOf("\n{", StringComparison.Ordinal)..(table.Output.LastIndexOf('}') + 1)];
        Assert.Equal(policy.ToJsonString(), JsonNode.Parse(json)!.ToJsonString());
        await AssertNothingChangedAsync();
    }

    [Fact]
    public async Task A_role_without_permissions_is_reported_with_the_policy_of_the_README()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), DeniedActions = ["vpc:*", "ecs:*", "quotas:*"] });
        var (result, report) = await CheckAsync();
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("0 of 12 actions are allowed", Text(CheckOf(report, "RAM permissions"), "detail"));
        var readme = await File.ReadAllTextAsync(Path.Combine(Locations.Repository(), "README.md"), Cancel);
        var start = readme.IndexOf("```json", StringComparison.Ordinal) + "```json".Length;
        var published = JsonNode.Parse(readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)])!;
        Assert.Equal(Actions(published), Actions(report["policy"]!));

        static IEnumerable<string> Actions(JsonNode policy) =>
            policy["Statement"]!.AsArray().Single()!["Action"]!.AsArray().Select(action => (string)action!).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Missing_optional_permissions_are_a_warning()
    {
        await StartVpcAsync(1, new CloudSetup
        {
            Instances = CloudSetup.MakeInstances(1),
            DeniedActions = ["vpc:CreateRouteEntries", "vpc:DescribeVpcAttribute", "quotas:GetProductQuota"],
            SourceDestCheck = false,
        });
        await Vpc.Control.SetSettingsAsync(new { clockSkewSeconds = 600 }, Cancel);
        var (result, report) = await CheckAsync();
        Assert.True(result.ExitCode == 0, result.Error + result.Output);
        foreach (var subject in new[] { "RAM permissions", "clock", "network" })
            Assert.Equal((subject, "warning"), (subject, Text(CheckOf(report, subject), "state")));
        Assert.Matches("^is (59|60)[0-9] s behind the cloud's$", Text(CheckOf(report, "clock"), "detail"));
        Assert.Contains("the limit is assumed", Text(CheckOf(report, "quota"), "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_credentials_check_reports_why_each_source_failed()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), HasRole = false });
        var (result, report) = await CheckAsync();
        Assert.Equal(1, result.ExitCode);
        var credentials = CheckOf(report, "credentials");
        Assert.Equal("problem", Text(credentials, "state"));
        var lines = credentials["lines"]!.AsArray().Select(line => (string)line!).ToList();
        Assert.Contains(lines, line => line.Contains("ALIBABA_CLOUD_ACCESS_KEY_ID", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("RAM role", StringComparison.Ordinal));
        Assert.Contains("not checked", Text(CheckOf(report, "RAM permissions"), "detail"), StringComparison.Ordinal);

        // A node that is never route controller needs none.
        var (never, _) = await CheckAsync("--route-controller=never");
        Assert.True(never.ExitCode == 0, never.Error + never.Output);
    }

    [Fact]
    public async Task Cloud_checks_run_without_etcd_and_etcd_checks_run_without_metadata()
    {
        await StartVpcAsync(1);
        var (noEtcd, first) = await CheckAsync("--etcd-endpoints=http://127.0.0.1:1");
        Assert.Equal(1, noEtcd.ExitCode);
        var etcd = CheckOf(first, "etcd");
        Assert.Equal(("0 of 1 endpoints answer", "problem"), (Text(etcd, "detail"), Text(etcd, "state")));
        Assert.Contains("connection refused", (string?)etcd["lines"]![0], StringComparison.Ordinal);
        Assert.Equal("ok", Text(CheckOf(first, "route table"), "state"));

        var (noMetadata, second) = await CheckAsync("--metadata-endpoint=http://127.0.0.1:1");
        Assert.Equal(1, noMetadata.ExitCode);
        Assert.Equal("problem", Text(CheckOf(second, "metadata"), "state"));
        Assert.Equal("ok", Text(CheckOf(second, "configuration"), "state"));
        // The credential chain is reported: a key may come from another source than the metadata service.
        Assert.Contains("http://127.0.0.1:1", Text(CheckOf(second, "credentials"), "detail"), StringComparison.Ordinal);
        Assert.Equal("note", Text(CheckOf(second, "cloud"), "state"));
    }

    [Fact]
    public async Task A_role_that_may_not_be_assumed_is_reported_with_the_policy_that_allows_it()
    {
        await StartVpcAsync(1, new CloudSetup
        {
            Instances = CloudSetup.MakeInstances(1),
            IsRoleAssumed = true,
            DeniedActions = ["sts:AssumeRole"],
            SourceDestCheck = false
        }, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel,
            $$$"""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RoleArn":"{{{CloudSetup.OtherRoleArn}}}"}}""");
        var (denied, first) = await CheckAsync();
        Assert.Equal(1, denied.ExitCode);
        Assert.Contains("sts:AssumeRole failed: ", Text(CheckOf(first, "credentials"), "detail"), StringComparison.Ordinal);
        var statement = Assert.Single(first["policy"]!["Statement"]!.AsArray())!;
        Assert.Equal(("sts:AssumeRole", CloudSetup.OtherRoleArn),
            ((string?)statement["Action"]!.AsArray().Single(), (string?)statement["Resource"]));

        await Vpc.Control.SetRoleAsync(CloudSetup.RoleName, [], Cancel);
        var (allowed, second) = await CheckAsync();
        Assert.True(allowed.ExitCode == 0, allowed.Error + allowed.Output);
        Assert.StartsWith(
            $"RAM role {CloudSetup.OtherRoleArn}, ", Text(CheckOf(second, "credentials"), "detail"), StringComparison.Ordinal);
        Assert.Equal("ok", Text(CheckOf(second, "sts endpoint"), "state"));
        Assert.Null(second["policy"]);
    }

    [Theory]
    [InlineData("""{"Network":"192.168.1.128/25","SubnetLen":28,"Backend":{"Type":"ali-vpc"}}""", "network", "problem")]
    [InlineData("""{"Network":"192.168.0.0/16","Backend":{"Type":"ali-vpc"}}""", "network", "problem")]
    [InlineData("""{"Network":"192.168.128.0/20","Backend":{"Type":"ali-vpc"}}""", "network", "warning")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-none"}}""", "route table", "problem")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"host-gw"}}""", "configuration", "problem")]
    [InlineData("""{"Network":"10.24.0.0"}""", "configuration", "problem")]
    public async Task An_unusable_configuration_is_reported_before_the_first_node_starts(string config, string subject, string state)
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, config);
        var (result, report) = await CheckAsync();
        Assert.Contains(Checks(report), check => (Text(check, "subject"), Text(check, "state")) == (subject, state));
        Assert.Equal(state == "problem" ? 1 : 0, result.ExitCode);
    }

    [Fact]
    public async Task Routes_of_another_cluster_inside_the_network_are_a_warning_with_its_mark()
    {
        const string mark = "flannel-00000000000000aa";
        await StartVpcAsync(2);
        await StartReadyAsync(0);
        var own = await SubnetAsync(0);
        foreach (var subnet in FreeSubnets(own).Take(2)) await CreateMarkedRouteAsync(subnet, 1, mark);

        var (result, report) = await CheckAsync();

        Assert.True(result.ExitCode == 0, result.Error + result.Output);
        var other = CheckOf(report, "other clusters");
        Assert.Equal("warning", Text(other, "state"));
        Assert.Matches($"^2 routes of {mark} in [^ ]+/{CloudSetup.VpcId}, inside this cluster's network$", Text(other, "detail"));
        Assert.EndsWith($"flanneld routes clean --of {mark}", Text(other, "advice"), StringComparison.Ordinal);
        Assert.Equal(2, other["lines"]!.AsArray().Count);
        Assert.Equal("agree", Text(CheckOf(report, "leases and routes"), "detail"));
        Assert.Equal(3, (await Vpc.Control.CustomRoutesAsync(Cancel)).Count);
    }

    [Fact]
    public async Task A_full_route_table_and_a_missing_route_are_reported()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), RouteEntryQuota = 1 });
        // The daemon has ended, so that the route is not repaired.
        Assert.Equal(0, await (await StartReadyAsync(0)).StopAsync(Cancel));
        var (_, full) = await CheckAsync();
        Assert.Equal(("problem", "1 of 1 custom entries, 0 left, one for each node"),
            (Text(CheckOf(full, "quota"), "state"), Text(CheckOf(full, "quota"), "detail")));
        var route = Assert.Single(await Vpc.Control.CustomRoutesAsync(Cancel));
        await Vpc.Control.DeleteRouteAsync(route.RouteEntryId, Cancel);
        var (lost, report) = await CheckAsync();
        Assert.Equal(("warning", "1 route differs"),
            (Text(CheckOf(report, "leases and routes"), "state"), Text(CheckOf(report, "leases and routes"), "detail")));
        Assert.True(lost.ExitCode == 0, lost.Error + lost.Output);
    }

    /// <param name="Report">The parsed output.</param>
    private sealed record CheckOutput(CommandResult Result, JsonObject Report);

    private async Task<CheckOutput> CheckAsync(params string[] more)
    {
        var quotas = Vpc.Instances[0].Arguments.Single(argument => argument.StartsWith("--vpc-endpoint=", StringComparison.Ordinal))
            .Replace("vpc", "quotas", StringComparison.Ordinal);
        var result = await Vpc.Instances[0].RunCommandAsync("check", Cancel, ["--output=json", quotas, .. more]);
        var report = JsonNode.Parse(result.Output)!.AsObject();
        Assert.Equal(Checks(report).Count(check => Text(check, "state") == "problem"), (int)report["problems"]!);
        return new CheckOutput(result, report);
    }

    private static IEnumerable<JsonObject> Checks(JsonObject report) => report["checks"]!.AsArray().Select(check => check!.AsObject());

    private static JsonObject CheckOf(JsonObject report, string subject) =>
        Assert.Single(Checks(report), check => Text(check, "subject") == subject);

    private static string Text(JsonObject check, string name) => (string)check[name]!;

    /// <summary>Permissions to write are tested by the API's dry run; the action without a dry run sets the current value.</summary>
    private async Task AssertNothingChangedAsync()
    {
        Assert.Empty(await Vpc.Control.CustomRoutesAsync(Cancel));
        var writes = (await Vpc.Control.ApiCallsAsync(Cancel))
            .Where(call => !call.Action.StartsWith("Describe", StringComparison.Ordinal)
                && !call.Action.StartsWith("Get", StringComparison.Ordinal))
            .ToList();
        Assert.NotEmpty(writes);
        Assert.All(writes, call => Assert.True(
            (string?)call.Parameters?["DryRun"] == "true" || call.Action == "ModifyNetworkInterfaceAttribute", call.ToString()));
    }
}
