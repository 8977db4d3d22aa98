using System.Text.Json.Nodes;
using Flannel.AliCloud.Http;
using Flanneld.Commands.Check;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Tests.Commands.Check;

public sealed class CheckReportTests
{
    [Fact]
    public void The_table_has_a_line_for_each_check_and_what_to_do_below()
    {
        var report = Report();
        report.AddSection().AddMissingPermission(new MissingRamAction("vpc:CreateRouteEntry", "*"));
        Assert.Equal(
            """
            ok       etcd         3 of 3 endpoints answer
                                    https://a:2379: etcd 3.5.16
            warning  clock        is 90 s behind the cloud's
                                  -> start an NTP client
            problem  credentials  none
                                  -> attach a RAM role

            A RAM policy that grants the missing permissions
            (RAM console: Policies, Create Policy, JSON; then attach it to the role or user above):

            {
              "Version": "1",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Action": [
                    "vpc:CreateRouteEntry"
                  ],
                  "Resource": "*"
                }
              ]
            }

            3 checks: 1 problem, 1 warning

            """,
            report.ToTable());
    }

    [Fact]
    public void Escape_sequences_in_a_value_are_not_printed()
    {
        var report = new CheckReport();
        report.AddSection().Add(
            CheckResult.Warning(CheckKind.Clock, "a\nb\e[2J", "c\u202e") with { Lines = ["d\e]0;e\a"] });
        Assert.Equal(
            """
            warning  clock  a?b?[2J
                              d?]0;e?
                            -> c?

            1 checks: 0 problems, 1 warning

            """,
            report.ToTable());
    }

    [Fact]
    public void Colors_of_states_do_not_change_the_rest_of_the_table()
    {
        var colored = Report().ToTable(isColored: true);
        Assert.Equal(Report().ToTable(), TextColor.Remove(colored));
        Assert.All(["ok", "warning", "problem"], state => Assert.Contains(TextColor.Of(state), colored, StringComparison.Ordinal));
    }

    [Fact]
    public void Escape_sequences_of_other_programs_do_not_reach_the_terminal()
    {
        var report = new CheckReport();
        report.AddSection().Add(CheckResult.Warning(CheckKind.OtherDaemons, "\e[2J runs\nok", "stop \e[31mit") with { Lines = ["a\rb"] });
        Assert.StartsWith(
            """
            warning  other daemons  ?[2J runs?ok
                                      a?b
                                    -> stop ?[31mit

            """,
            report.ToTable(isColored: false), StringComparison.Ordinal);
    }

    [Fact]
    public void The_json_has_the_same_results()
    {
        var json = JsonNode.Parse(Report().ToJson())!;
        Assert.Equal(("flanneld/v1", "CheckReport"), ((string?)json["apiVersion"], (string?)json["kind"]));
        Assert.Equal(ProgramVersion.Text, (string?)json["version"]);
        Assert.Equal(["etcd", "clock", "credentials"], json["checks"]!.AsArray().Select(check => (string?)check!["id"]));
        Assert.Equal((1, 1), ((int)json["problems"]!, (int)json["warnings"]!));
        Assert.Null(json["policy"]);
        Assert.Equal(["ok", "warning", "problem"], json["checks"]!.AsArray().Select(check => (string?)check!["state"]));
        var etcd = json["checks"]![0]!;
        Assert.Equal(("etcd", "3 of 3 endpoints answer", ""), ((string?)etcd["subject"], (string?)etcd["detail"], (string?)etcd["advice"]));
        Assert.Equal(["https://a:2379: etcd 3.5.16"], etcd["lines"]!.AsArray().Select(line => (string?)line));
    }

    [Fact]
    public void A_policy_has_a_statement_for_each_resource()
    {
        var report = Report();
        foreach (var (action, resource) in new[] { ("sts:AssumeRole", "acs:ram::1:role/r"), ("vpc:A", "*"), ("vpc:B", "*") })
            report.AddSection().AddMissingPermission(new MissingRamAction(action, resource));
        var statements = JsonNode.Parse(report.ToJson())!["policy"]!["Statement"]!.AsArray();
        Assert.Equal(
            ["sts:AssumeRole on acs:ram::1:role/r", "vpc:A vpc:B on *"],
            statements.Select(s => $"{string.Join(' ', s!["Action"]!.AsArray().Select(a => (string?)a))} on {(string?)s["Resource"]}"));
    }

    private static CheckReport Report()
    {
        var report = new CheckReport();
        var (first, second) = (report.AddSection(), report.AddSection());
        // The order of the sections counts, not that of the results.
        second.Add(CheckResult.Warning(CheckKind.Clock, "is 90 s behind the cloud's", "start an NTP client"));
        second.Add(CheckResult.Problem(CheckKind.Credentials, "none", "attach a RAM role"));
        first.Add(CheckResult.Ok(CheckKind.Etcd, "3 of 3 endpoints answer") with { Lines = ["https://a:2379: etcd 3.5.16"] });
        return report;
    }
}
