using System.Text;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>The user data as text; <see cref="CloudInitTests"/> boots machines with it.</summary>
public sealed class UserDataTests
{
    public static TheoryData<string> Roles => [.. Templates.Roles];

    [Theory]
    [MemberData(nameof(Roles))]
    public void User_data_is_small_and_uses_only_basic_modules(string role)
    {
        var text = Templates.UserData(role);
        Assert.StartsWith("#cloud-config\n", text, StringComparison.Ordinal);
        Assert.True(Encoding.UTF8.GetByteCount(text) < Templates.LongestUserData / 2, "half of the limit is left to the user");
        var config = Templates.Yaml(text).AsObject();
        Assert.Equal(["write_files", "runcmd"], config.Select(key => key.Key));
        Assert.All(config["write_files"]!.AsArray(), file =>
        {
            var program = ((string?)file!["content"])!.StartsWith("#!/bin/sh\n", StringComparison.Ordinal);
            Assert.Equal(program ? ["path", "permissions", "content"] : ["path", "content"], file.AsObject().Select(key => key.Key));
            Assert.StartsWith(program ? "/usr/local/sbin/" : "/etc/", (string?)file["path"], StringComparison.Ordinal);
            Assert.Equal(program ? "0755" : null, (string?)file["permissions"]);
        });
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task The_steps_are_POSIX_shell_scripts(string role)
    {
        var config = Templates.Yaml(Templates.UserData(role));
        var steps = config["runcmd"]!.AsArray();
        Assert.All(steps, step => Assert.StartsWith("set -eu\n", (string?)step, StringComparison.Ordinal));
        // cloud-init writes all steps into one script: what one of them sets is set in the next.
        var script = string.Concat(steps.Select(step => (string?)step));
        var programs = config["write_files"]!.AsArray().Where(file => file!["permissions"] is not null).Select(file => file!["content"]);
        foreach (var step in programs.Append(script))
        {
            await ProcessCommand.RunAsync(new ProgramStart("/bin/sh", ["-n"]), TestContext.Current.CancellationToken, (string?)step);
            if (File.Exists("/usr/bin/shellcheck"))
            {
                await ProcessCommand.RunAsync(new ProgramStart("/usr/bin/shellcheck", ["--shell=sh", "-"]),
                    TestContext.Current.CancellationToken, (string?)step);
            }
        }
    }

    /// <summary>Skipped without cloud-init on this host; <see cref="CloudInitTests"/> validates the schema in the machines.</summary>
    [Theory]
    [MemberData(nameof(Roles))]
    public async Task User_data_is_valid_by_the_schema_of_cloud_init(string role)
    {
        const string program = "/usr/bin/cloud-init";
        if (File.Exists(program))
        {
            var output = await ProcessCommand.RunAsync(new ProgramStart(program,
                ["schema", "--config-file", Templates.PathOf("cloud-init", role + ".yaml")]), TestContext.Current.CancellationToken);
            Assert.Contains("Valid", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_etcd_host_is_a_node_too()
    {
        var (node, etcd) = (Templates.Yaml(Templates.UserData("node")), Templates.Yaml(Templates.UserData("etcd")));
        Assert.Equal(Texts(node["runcmd"]!), Texts(etcd["runcmd"]!).TakeLast(1));
        Assert.Equal(Texts(node["write_files"]!), Texts(etcd["write_files"]!).TakeLast(3));
    }

    [Fact]
    public void Values_to_change_are_marked_and_every_example_can_be_replaced()
    {
        foreach (var role in Templates.Roles)
        {
            var lines = Templates.UserData(role).Split('\n');
            string[] examples = ["=http://" + Templates.ExampleEtcd, $"\"Network\":\"{Templates.ExampleNetwork}\"",
                "repository=" + Templates.ExampleRepository];
            var found = Enumerable.Range(0, lines.Length)
                .Where(at => examples.Any(example => lines[at].Contains(example, StringComparison.Ordinal))).ToList();
            // etcd: its own address, the members of etcd, the network, and the repository in both steps.
            Assert.Equal(role == "etcd" ? 5 : 2, found.Count);
            Assert.All(found, at => Assert.Contains("# CHANGE", lines[at - 1], StringComparison.Ordinal));
        }
        Assert.Contains($"http://{Templates.ExampleEtcd}:2379", Templates.UserData("node"), StringComparison.Ordinal);
    }

    [Fact]
    public void User_data_asks_for_no_secret() => Assert.All(Templates.Roles, role =>
        Assert.DoesNotMatch("(?i)access_?key|password|secret_|token", Templates.UserData(role)));

    private static IEnumerable<string> Texts(JsonNode list) => list.AsArray().Select(item => item!.ToJsonString());
}
