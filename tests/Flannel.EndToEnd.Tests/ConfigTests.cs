using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>flanneld config get</c>, <c>validate</c> and <c>set</c> with a real etcd and the simulated VPC.</summary>
public sealed class ConfigTests : EndToEndTest
{
    private const string ConfigKey = $"{TestVpc.Prefix}/config";
    private const string Script = "/usr/bin/script";

    /// <summary>Another network, which overlaps nothing.</summary>
    private const string Other = """{"Network":"10.30.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    [Fact]
    public async Task A_configuration_is_written_read_and_checked()
    {
        await StartVpcAsync(1, publishConfig: false);
        var missing = await RunAsync("config get");
        Assert.Equal(1, missing.ExitCode);
        Assert.Equal(
            $"flanneld config get: there is no network configuration at {ConfigKey};"
            + $" write one: flanneld config set '{TestVpc.Config}'\n", missing.Error);
        Assert.Equal(1, (await RunAsync("config validate")).ExitCode);

        var written = await RunAsync("config set", "--yes", TestVpc.Config);

        AssertSuccess(written);
        Assert.StartsWith(
            $"{ConfigKey}, which does not exist yet:\n+ Network: \"10.24.0.0/16\"\n+ Backend.Type: \"ali-vpc\"\n", written.Output,
            StringComparison.Ordinal);
        Assert.DoesNotContain("not checked", written.Output, StringComparison.Ordinal);
        var stored = await StoredAsync();
        Assert.Equal(TestVpc.Config, stored.Value);
        Assert.EndsWith($"{ConfigKey} is written at revision {stored.ModRevision}\n", written.Output, StringComparison.Ordinal);

        await StartReadyAsync(0);
        var get = await RunAsync("config get", "--output=json");
        AssertSuccess(get);
        var document = JsonNode.Parse(get.Output)!;
        Assert.Equal(
            ("NetworkConfig", stored.ModRevision, 1, 254),
            ((string?)document["kind"], (long)document["modRevision"]!, (int)document["leased"]!, (int)document["free"]!));
        var validate = await RunAsync("config validate");
        AssertSuccess(validate);
        Assert.Equal(
            $"{ConfigKey} is valid: network 10.24.0.0/16, 255 subnets /24 from 10.24.1.0 to 10.24.255.0, backend ali-vpc\n",
            validate.Output);
        var again = await RunAsync("config set", "--yes", TestVpc.Config);
        AssertSuccess(again);
        Assert.Equal($"no difference from {ConfigKey}, revision {stored.ModRevision}: nothing to write\n", again.Output);
    }

    [Fact]
    public async Task A_configuration_that_a_living_lease_does_not_fit_is_written_only_with_force()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0);
        var (subnet, before) = (await SubnetAsync(0), await StoredAsync());
        var misfit = $"lease {subnet} of {Vpc.Instances[0].PublicIp} ({Vpc.Instances[0].InstanceId}) does not fit:"
            + " the node takes another subnet when it starts again\n";

        var refused = await RunAsync("config set", "--yes", Other);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("- Network: \"10.24.0.0/16\"\n+ Network: \"10.30.0.0/16\"\n", refused.Output, StringComparison.Ordinal);
        Assert.Contains(misfit, refused.Output, StringComparison.Ordinal);
        Assert.Equal("flanneld config set: not written: 1 lease does not fit, see above; --force writes it\n", refused.Error);
        Assert.Equal(before, await StoredAsync());
        Assert.Contains(misfit, (await RunAsync("config validate", Other)).Output, StringComparison.Ordinal);

        var dry = await RunAsync("config set", "--force", "--dry-run", Other);
        AssertSuccess(dry);
        Assert.EndsWith("dry run: nothing is written\n", dry.Output, StringComparison.Ordinal);
        Assert.Equal(before, await StoredAsync());

        var forced = await RunAsync("config set", "--yes", "--force", Other);
        AssertSuccess(forced);
        Assert.Contains("1 node has a lease: a running node keeps the configuration", forced.Output, StringComparison.Ordinal);
        Assert.Equal(Other, (await StoredAsync()).Value);
        // The line says how to restore it, and that works.
        Assert.Contains($"--rev={before.ModRevision} {ConfigKey} | flanneld config set --yes -\n", forced.Output, StringComparison.Ordinal);
        var old = await Vpc.Etcd.ControlAsync(Cancel, "get", "--print-value-only", $"--rev={before.ModRevision}", ConfigKey);
        AssertSuccess(await Vpc.Instances[0].RunCommandAsync("config set", old, null, Cancel, "--yes", "-"));
        Assert.Equal(TestVpc.Config, (await StoredAsync()).Value);
        Assert.Equal(subnet, await SubnetAsync(0));
    }

    [Fact]
    public async Task A_network_that_overlaps_the_VPC_is_written_only_with_force()
    {
        const string inside = """{"Network":"192.168.0.0/18","Backend":{"Type":"vxlan"}}""";
        await StartVpcAsync(1, publishConfig: false);

        var refused = await RunAsync("config set", "--yes", inside);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"network 192.168.0.0/18 overlaps {CloudSetup.VpcCidr}, the VPC's range ({CloudSetup.VpcId})\n", refused.Output);
        Assert.Matches("network 192.168.0.0/18 overlaps 192.168.1.0/24 of vSwitch vsw-", refused.Output);
        Assert.Equal("flanneld config set: not written: it overlaps ranges that are in use, see above; --force writes it\n", refused.Error);
        Assert.Empty(await Vpc.Etcd.Keys.ListAsync("/", Cancel));
        var validate = await RunAsync("config validate", inside);
        AssertSuccess(validate);
        Assert.Contains("overlaps", validate.Output, StringComparison.Ordinal);

        AssertSuccess(await RunAsync("config set", "--yes", "--force", inside));
        Assert.Equal(inside, (await StoredAsync()).Value);
    }

    [Fact]
    public async Task Without_permissions_the_vSwitches_that_the_route_controller_published_are_compared()
    {
        const string inside = """{"Network":"192.168.0.0/18","Backend":{"Type":"ali-vpc"}}""";
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), DeniedActions = ["vpc:*"] }, publishConfig: false);
        var unknown = await RunAsync("config validate", inside);
        AssertSuccess(unknown);
        var denied = $"not checked: the ranges of {CloudSetup.VpcId}: vpc:DescribeVpcAttribute ";
        Assert.Contains(denied, unknown.Output, StringComparison.Ordinal);

        await Vpc.Etcd.Keys.PutAsync($"{TestVpc.Prefix}/ali-vpc/vswitches/{CloudSetup.VpcId}", "192.168.1.0/24 192.168.2.0/24", Cancel);
        var refused = await RunAsync("config set", "--yes", inside);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"network 192.168.0.0/18 overlaps 192.168.1.0/24 of a vSwitch ({CloudSetup.VpcId})\n", refused.Output);
    }

    [Fact]
    public async Task Without_a_terminal_and_without_yes_nothing_is_written()
    {
        await StartVpcAsync(1, publishConfig: false);
        var result = await RunAsync("config set", TestVpc.Config);
        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith("stdin is no terminal, use --yes\n", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(await Vpc.Etcd.Keys.ListAsync("/", Cancel));
    }

    [Fact]
    public async Task On_a_terminal_the_answer_decides_and_a_concurrent_change_is_not_overwritten()
    {
        Require.Program(Script);
        await StartVpcAsync(1);
        var before = await StoredAsync();
        await using (var refused = await AskAsync(Other))
        {
            await AnswerAsync(refused, "n");
            Assert.Equal(1, await refused.WaitForExitAsync(Cancel));
            Assert.Equal(before, await StoredAsync());
        }

        const string concurrent = """{"Network":"10.31.0.0/16","Backend":{"Type":"alloc"}}""";
        await using (var lost = await AskAsync(Other))
        {
            await Vpc.PublishConfigAsync(Cancel, concurrent);
            await AnswerAsync(lost, "y");
            Assert.Equal(1, await lost.WaitForExitAsync(Cancel));
            Assert.Contains(
                $"not written: {ConfigKey} was changed after revision {before.ModRevision} was shown", lost.StandardOutput,
                StringComparison.Ordinal);
            Assert.Equal(concurrent, (await StoredAsync()).Value);
        }

        await using var accepted = await AskAsync(Other);
        await AnswerAsync(accepted, "y");
        Assert.Equal(0, await accepted.WaitForExitAsync(Cancel));
        Assert.Equal(Other, (await StoredAsync()).Value);
    }

    [Theory]
    [InlineData("{\"Network\":", "not valid JSON at line 1, byte 12")]
    [InlineData("{\"Network\":\"10.24.0.0/16\",\"SubnetLen\":31,\"Backend\":{\"Type\":\"alloc\"}}", "SubnetLen 31 is too long")]
    [InlineData("{\"Network\":\"10.24.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}", "Backend.Type is 'host-gw'")]
    [InlineData("", "standard input is empty")]
    public async Task An_invalid_configuration_is_one_line_and_is_not_written(string input, string reason)
    {
        await StartVpcAsync(1);
        var before = await StoredAsync();
        foreach (var command in new[] { "config set", "config validate" })
        {
            var result = await Vpc.Instances[0].RunCommandAsync(command, input, null, Cancel, "-");
            Assert.Equal((1, ""), (result.ExitCode, result.Output));
            var line = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains(reason, line, StringComparison.Ordinal);
        }

        Assert.Equal(before, await StoredAsync());
    }

    [Fact]
    public async Task An_invalid_stored_configuration_is_named_and_replaced()
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.PublishConfigAsync(Cancel, """{"Network":"10.24.0.0/16","Backend":{"Type":"udp"}}""");
        var get = await RunAsync("config get");
        Assert.Equal((1, ""), (get.ExitCode, get.Output));
        Assert.Matches(
            $"^flanneld config get: {ConfigKey} is invalid: Backend.Type is 'udp': .*; correct it with 'flanneld config set FILE'\n$",
            get.Error);
        AssertSuccess(await RunAsync("config set", "--yes", TestVpc.Config));
        AssertSuccess(await RunAsync("config get"));
    }

    /// <summary>Without a VPC: its packets are scanned, and the configuration is sent to etcd.</summary>
    [Fact]
    public async Task A_secret_is_not_printed_and_survives()
    {
        Require.NativeExecutable();
        using var folder = new RunFolder("config-secret");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), Cancel);
        var config = $$$"""
            {"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc",
            "AccessKeyID":"{{{CloudSetup.AccessKeyId}}}","accesskeySECRET":"{{{CloudSetup.AccessKeySecret}}}"}}
            """;

        AssertSuccess(await RunWithInputAsync(etcd, config, "set", "--yes", "-"));
        Assert.Equal(config, (await etcd.Keys.GetAsync(ConfigKey, Cancel))!.Value);
        foreach (var format in new[] { "table", "json", "yaml" })
        {
            var get = await RunWithInputAsync(etcd, "", "get", $"--output={format}");
            AssertSuccess(get);
            Assert.Contains("***", get.Output, StringComparison.Ordinal);
        }

        var other = config.Replace(CloudSetup.AccessKeySecret, $"x{CloudSetup.AccessKeySecret}", StringComparison.Ordinal);
        var changed = await RunWithInputAsync(etcd, other, "set", "--yes", "--dry-run", "-");
        Assert.Contains(
            "- Backend.accesskeySECRET: ***\n+ Backend.accesskeySECRET: *** (another value)\n", changed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_access_key_is_tried_and_one_that_the_API_rejects_is_a_warning()
    {
        await StartVpcAsync(1);
        var valid = $$$"""
            {"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc",
            "AccessKeyID":"{{{CloudSetup.AccessKeyId}}}","AccessKeySecret":"{{{CloudSetup.AccessKeySecret}}}"}}
            """;
        var accepted = await RunAsync("config validate", valid);
        AssertSuccess(accepted);
        Assert.Contains("the access key was tried: the API accepts it\n", accepted.Output, StringComparison.Ordinal);

        var other = valid.Replace(CloudSetup.AccessKeySecret, "another", StringComparison.Ordinal);
        var rejected = await RunAsync("config set", "--yes", other);
        AssertSuccess(rejected);
        Assert.Contains(
            "warning: the access key was tried, and the API rejects it: SignatureDoesNotMatch", rejected.Output, StringComparison.Ordinal);

        var half = await RunAsync(
            "config set", "--yes", """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI5tHalf"}}""");
        Assert.Equal(1, half.ExitCode);
        Assert.Contains("Backend.AccessKeyID is given without AccessKeySecret", half.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_etcd_a_file_is_checked_and_the_other_commands_fail_with_one_line()
    {
        await StartVpcAsync(1);
        await Vpc.Etcd.StopAsync(Cancel);
        var file = await RunAsync("config validate", Other);
        AssertSuccess(file);
        Assert.Contains("not checked: leases: etcd: ", file.Output, StringComparison.Ordinal);
        foreach (string[] arguments in new[] { new[] { "config get" }, ["config validate"], ["config set", "--yes", Other] })
        {
            var result = await RunAsync(arguments[0], arguments[1..]);
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith(
                $"flanneld {arguments[0]}: etcd: ", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
                StringComparison.Ordinal);
        }
    }

    private Task<CommandResult> RunAsync(string command, params string[] arguments) =>
        Vpc.Instances[0].RunCommandAsync(command, Cancel, arguments);

    /// <summary>A command whose output has a secret fails the test.</summary>
    private static Task<CommandResult> RunWithInputAsync(EtcdServer etcd, string input, params string[] arguments)
    {
        string[] all =
        [
            "config", .. arguments, $"--etcd-endpoints={etcd.Endpoint.GetLeftPart(UriPartial.Authority)}",
            "--metadata-endpoint=http://127.0.0.1:1",
        ];
        var start = new ProgramStart(Locations.Flanneld, all) { Environment = new Dictionary<string, string>() };
        return ProcessCommand.TryRunAsync(start, Cancel, input);
    }

    private async Task<EtcdKey> StoredAsync() => (await Vpc.Etcd.Keys.GetAsync(ConfigKey, Cancel))!;

    private static void AssertSuccess(CommandResult result) => Assert.True(result.ExitCode == 0, result.Error + result.Output);

    /// <summary>Starts <c>config set</c> on a pseudo-terminal, and waits for its question.</summary>
    private async Task<ChildProcess> AskAsync(string config)
    {
        string[] command = [Locations.Flanneld, "config", "set", "--force", .. Vpc.Instances[0].Arguments, config];
        var line = string.Join(' ', command.Select(word => $"'{word}'"));
        var process = await ChildProcess.StartAsync(
            new ProgramStart(Script, ["--quiet", "--return", "--command", line, "/dev/null"]) { Namespace = Vpc.Instances[0].Namespace });
        await Eventually.IsAsync(
            "the command asks", () => Task.FromResult(process.StandardOutput.Contains("[y/N]", StringComparison.Ordinal)), Cancel,
            context: () => process.StandardOutput);
        return process;
    }

    private static async Task AnswerAsync(ChildProcess process, string answer)
    {
        await process.StandardInput.WriteAsync((answer + "\n").AsMemory(), Cancel);
        await process.StandardInput.FlushAsync(Cancel);
    }
}
