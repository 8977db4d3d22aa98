using System.Text.Json;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What an operator sees in the log, and what signals change.</summary>
public sealed partial class LogTests : EndToEndTest
{
    private const string ConfigKey = $"{TestVpc.Prefix}/config";

    private static readonly string[] s_levels = ["trace", "debug", "info", "warning", "error", "critical"];

    [Fact]
    public async Task Every_line_of_a_run_is_one_flat_json_object()
    {
        await StartVpcAsync(2);
        var first = await StartReadyAsync(0, ["--log-format=json", "-v=10", .. QuickResync]);
        var second = await StartReadyAsync(1, "--log-format=json", "-v=10");
        var subnet = await SubnetAsync(1);
        await Vpc.Control.DeleteRouteAsync((await WaitForRouteAsync(subnet, 1)).RouteEntryId, Cancel);
        await WaitForRouteAsync(subnet, 1);
        await Vpc.Etcd.Keys.PutAsync(ConfigKey, "not \"JSON\"\n", Cancel);
        await first.WaitForLogAsync("node[1129]", Cancel);
        second.RequestState();
        await second.WaitForLogAsync("state: loop:", Cancel);
        Assert.Equal(0, await first.StopAsync(Cancel));
        Assert.Equal(0, await second.StopAsync(Cancel));

        var lines = $"{first.StandardError}{second.StandardError}".Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 50, $"only {lines.Length} lines");
        Assert.All(lines, AssertFlat);
    }

    [Fact]
    public async Task A_line_for_the_journal_has_a_priority_and_the_event()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0, "--log-format=systemd", "-v=10");
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        Assert.All(daemon.StandardError.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(JournalLine(), line));
    }

    [Theory]
    [InlineData("text")]
    [InlineData("systemd")]
    public async Task A_value_of_etcd_cannot_write_escape_sequences_or_lines_of_its_own(string format)
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0, $"--log-format={format}");
        await Vpc.Etcd.Keys.PutAsync(ConfigKey, """{"Network":"10.24.0.0/16","Backend":{"Type":"a\u001b[2J\r\u202eb"}}""", Cancel);
        await daemon.WaitForLogAsync("Backend.Type is 'a", Cancel);
        Assert.DoesNotContain(daemon.StandardError, c => c is '\e' or '\r' or '\u202e');
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Fact]
    public async Task Signals_during_the_stop_do_not_end_the_daemon_before_it_has_stopped()
    {
        const int rounds = 5;
        await StartVpcAsync(1);
        for (var i = 0; i < rounds; i++)
        {
            var daemon = await StartReadyAsync(0);
            var ended = daemon.StopAsync(Cancel);
            while (!ended.IsCompleted)
            {
                daemon.HangUp();
                daemon.RequestState();
                await Task.Yield();
            }

            Assert.Equal(0, await ended);
        }
    }

    [Fact]
    public async Task Level_2_shows_the_plan_of_each_pass()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0, ["-v=2", .. QuickResync]);
        var (subnet, instance) = (await SubnetAsync(0), Vpc.Instances[0].InstanceId);
        await daemon.WaitForLogAsync($": create {subnet} -> Instance {instance}", Cancel);
        Assert.Matches($@"plan\[3560\] plan for \S+ table \S+: create {subnet} -> Instance {instance}", daemon.StandardError);
        await daemon.WaitForLogAsync("nothing to do, keep 1 in 1 table", Cancel);
    }

    [Fact]
    public async Task A_line_that_repeats_is_counted_and_the_count_is_written_at_the_end()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        var file = Vpc.Instances[0].SubnetFile;
        for (var i = 0; i < 3; i++)
        {
            File.Delete(file);
            await Eventually.IsAsync("subnet.env is written again", () => Task.FromResult(File.Exists(file)), Cancel);
        }
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        var lines = daemon.StandardError.Split('\n').Where(line => line.Contains("node[1131]", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.EndsWith("another program deleted it", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"another program deleted it \(repeated 2 times in the last \d+ seconds\)$", lines[1]);
    }

    [Fact]
    public async Task An_etcd_that_is_down_is_one_line_until_it_is_back()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        for (var round = 1; round <= 2; round++)
        {
            await Vpc.Etcd.KillAsync(Cancel);
            await WaitForCountAsync(daemon, "etcd[2000]", round);
            await Vpc.Etcd.StartAgainAsync(Cancel);
            await WaitForCountAsync(daemon, "etcd[2001]", round);
        }
    }

    [Fact]
    public async Task SIGUSR1_logs_the_state_of_each_part()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        await WaitForControllerAsync();
        await daemon.WaitForLogAsync("routes[3542]", Cancel);
        daemon.RequestState();
        await daemon.WaitForLogAsync("state: candidate: credentials", Cancel);
        var subnet = Regex.Escape(await SubnetAsync(0));
        foreach (var expected in new[]
        {
            @"state: process: flanneld \S+, process \d+, running for ", $"state: node: subnet {subnet}, route: Available",
            "state: node: check lease ok", "state: node: check route ok", "state: node: check subnet-file ok", "state: etcd: available",
            @"state: controller: this process is the route controller: nodes 1 \(Available 1\)", @"state: controller: \S+ table \S+: 1 of \d+",
            @"state: controller: \S+: last pass \S+, plan keep 1, next pass ", "state: loop: the lease keeper: waiting",
            "state: candidate: this node is a candidate", "state: candidate: credentials from ",
        })
        {
            Assert.Matches(expected, daemon.StandardError);
        }
        var first = daemon.StandardError.Length;
        daemon.RequestState();
        await Eventually.IsAsync("the state is logged again", () => Task.FromResult(
            daemon.StandardError[first..].Contains("state: node: check lease ok", StringComparison.Ordinal)), Cancel);
    }

    [Fact]
    public async Task SIGHUP_names_a_changed_file()
    {
        await StartVpcAsync(1);
        var key = Path.Combine(Vpc.Instances[0].Folder, "unused-key");
        await File.WriteAllTextAsync(key, "{}", Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync([$"--access-key-file={key}"]);
        await daemon.WaitForLogAsync("flanneld[1000]", Cancel);
        daemon.HangUp();
        await daemon.WaitForLogAsync("reload finished: nothing changed", Cancel);
        await File.WriteAllTextAsync(key, "{ }", Cancel);
        daemon.HangUp();
        await daemon.WaitForLogAsync("reload finished: 1 change", Cancel);
        Assert.Contains($"--access-key-file {key} changed", daemon.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGHUP_applies_the_log_level_of_the_service_and_names_what_needs_a_restart()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var settings = Directory.CreateDirectory(Path.Combine(instance.Folder, "default")).FullName;
        // A mount namespace: this /etc/default is seen by the daemon alone.
        await using var daemon = await DaemonProcess.StartAsync(
            new ProgramStart(
                "/usr/bin/unshare",
                [
                    "--mount", "/bin/sh", "-c", "mount --bind \"$0\" /etc/default && exec \"$@\"", settings, Locations.Flanneld,
                    .. instance.Arguments,
                ])
            {
                Namespace = instance.Namespace,
                Environment = new Dictionary<string, string>
                {
                    ["INVOCATION_ID"] = "0123456789abcdef",
                    ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
                },
            },
            Path.Combine(instance.Folder, "notify-reload"));
        await daemon.WaitForReadyAsync(Cancel);
        Assert.DoesNotContain("etcd[2011]", daemon.StandardError, StringComparison.Ordinal);

        var file = Path.Combine(settings, "flanneld");
        await File.WriteAllTextAsync(file, "FLANNELD_V=4\nFLANNELD_ROUTE_RESYNC=30\nFLANNELD_MTU=9\n", Cancel);
        daemon.HangUp();
        await daemon.WaitForLogAsync("log level changed from -v=0 to -v=4", Cancel);
        await daemon.WaitForLogAsync("reload finished: 3 changes, log level -v=4", Cancel);
        Assert.Contains("FLANNELD_ROUTE_RESYNC changed in /etc/default/flanneld; restart flanneld to apply it", daemon.StandardError,
            StringComparison.Ordinal);
        Assert.Contains("reload: FLANNELD_MTU in /etc/default/flanneld: ", daemon.StandardError, StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, "# FLANNELD_V=4\n", Cancel);
        daemon.HangUp();
        await daemon.WaitForLogAsync("log level changed from -v=4 to -v=0", Cancel);
        Assert.False(daemon.HasExited);
    }

    [Fact]
    public async Task A_daemon_whose_standard_error_is_not_read_works_and_ends_and_reports_the_lost_lines()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var (port, pipe) = (instance.FreePort(), Path.Combine(instance.Folder, "stderr"));
        await ProcessCommand.RunAsync(new ProgramStart("mkfifo", [pipe]), Cancel);
        await using var daemon = await DaemonProcess.StartAsync(
            new ProgramStart(
                "/bin/sh",
                [
                    "-c", "exec \"$@\" 2<>\"$0\"", pipe, Locations.Flanneld, .. instance.Arguments, "-v=10", "--healthz-ip=127.0.0.1",
                    $"--healthz-port={port}",
                ])
            {
                Namespace = instance.Namespace,
                Environment = new Dictionary<string, string>(),
            },
            Path.Combine(instance.Folder, "notify-pipe"));
        await daemon.WaitForReadyAsync(Cancel);
        using var http = instance.CreateHttpClient(port);
        // Each answer has more than ten lines: many more than the pipe and the queue hold.
        for (var i = 0; i < 1000; i++)
        {
            daemon.RequestState();
            Assert.Contains("is running", await HealthAsync(http), StringComparison.Ordinal);
        }
        File.Delete(instance.SubnetFile);
        await Eventually.IsAsync("subnet.env is written again", () => Task.FromResult(File.Exists(instance.SubnetFile)), Cancel);

        using (var reader = new StreamReader(new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)))
        {
            var isReported = false;
            while (!isReported && await reader.ReadLineAsync(Cancel) is { } line)
            {
                isReported = line.Contains("flanneld[1036] log lines lost, number ", StringComparison.Ordinal);
                daemon.RequestState();
            }
            Assert.True(isReported);
        }

        // The pipe is full again, and the end does not wait for the log.
        for (var i = 0; i < 1000; i++)
        {
            daemon.RequestState();
            Assert.Contains("is running", await HealthAsync(http), StringComparison.Ordinal);
        }
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Fact]
    public async Task A_changed_configuration_is_explained_key_by_key()
    {
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        await ChangeAsync(
            """{"Network":"10.24.0.0/16","SubnetMax":"10.24.254.0","Backend":{"Type":"ali-vpc"}}""",
            "node[1115] the network configuration changed (SubnetMax 10.24.255.0 -> 10.24.254.0): this node reads it when it restarts");
        await ChangeAsync(
            """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-0123456789"}}""",
            "node[1115] the network configuration changed (Backend.RouteTableID none -> \"vtb-0123456789\"): this node reads it when it");
        await ChangeAsync(
            """{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc"}}""",
            "node[1129] the network configuration changed (SubnetLen 24 -> 26, ");
        await ChangeAsync(
            """{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""",
            "node[1129] the network configuration changed (Backend.Type \"ali-vpc\" -> \"alloc\"): this node keeps backend ali-vpc until it");
        await ChangeAsync("not JSON", "node[1129] the network configuration is invalid (");
        await ChangeAsync(
            """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""",
            "node[1115] the network configuration was written again without a change for this node");
        await Vpc.Etcd.Keys.DeleteAsync(ConfigKey, Cancel);
        await daemon.WaitForLogAsync("node[1129] the network configuration was deleted: running nodes keep the previous one", Cancel);
        Assert.False(daemon.HasExited);

        async Task ChangeAsync(string config, string expected)
        {
            await Vpc.Etcd.Keys.PutAsync(ConfigKey, config, Cancel);
            await daemon.WaitForLogAsync(expected, Cancel);
        }
    }

    private static Task<string> HealthAsync(HttpClient http) => http.GetStringAsync(new Uri("/healthz", UriKind.Relative), Cancel);

    private static Task WaitForCountAsync(DaemonProcess daemon, string text, int count) => Eventually.IsAsync(
        $"'{text}' is logged {count} times", () => Task.FromResult(Regex.Count(daemon.StandardError, Regex.Escape(text)) == count), Cancel,
        TimeSpan.FromSeconds(90));

    private static void AssertFlat(string line)
    {
        using var json = JsonDocument.Parse(line);
        var fields = json.RootElement.EnumerateObject().ToList();
        Assert.Equal(["time", "level", "msg", "event", "category"], fields.Take(5).Select(field => field.Name));
        Assert.Equal(fields.Count, fields.Select(field => field.Name).Distinct().Count());
        Assert.All(fields, field => Assert.True(field.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array), line));
        Assert.EndsWith("Z", json.RootElement.GetProperty("time").GetString(), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, json.RootElement.GetProperty("time").GetDateTimeOffset().Offset);
        Assert.Contains(json.RootElement.GetProperty("level").GetString(), s_levels);
        Assert.Matches(EventName(), json.RootElement.GetProperty("event").GetString());
        Assert.DoesNotContain(fields, field => field.Name.EndsWith("Field", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\w+\[\d+\]$")]
    private static partial Regex EventName();

    [GeneratedRegex(@"^<[2-7]>\w+\[\d+\] \S")]
    private static partial Regex JournalLine();
}
