using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Mistakes and secrets in configuration, flags and environment, with the native executable and a real etcd.</summary>
public sealed class InputTests : EndToEndTest
{
    private const string Secret = $"Typed{SecretScanner.Marker}99";

    [Fact]
    public async Task A_probable_mistake_in_the_configuration_is_reported_by_daemon_and_check()
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.PublishConfigAsync(
            Cancel, """{"Network":"10.24.5.1/16","SudbnetMax":"10.24.9.0","Backend":{"Type":"ALI-VPC","SubnetLen":26}}""");
        var daemon = await Vpc.Instances[0].StartDaemonAsync();
        await daemon.WaitForReadyAsync(Cancel);
        string[] lines =
        [
            "Network \"10.24.5.1/16\" has bits beyond its length, and is read as 10.24.0.0/16",
            "unknown property SudbnetMax is ignored: did you mean SubnetMax?",
            "SubnetLen inside Backend has no effect: it belongs beside Network",
        ];
        var report = await Vpc.Instances[0].RunCommandAsync("check", Cancel);
        Assert.All(
            lines, line => Assert.Single(daemon.StandardError.Split('\n'), logged => logged.Contains(line, StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.Contains(line, report.Output, StringComparison.Ordinal));
        Assert.Equal("10.24.0.0/16", (await Vpc.Instances[0].ReadSubnetFileAsync(Cancel))!["FLANNEL_NETWORK"]);
    }

    [Fact]
    public async Task A_prefix_without_a_leading_slash_is_used_unchanged_and_reported()
    {
        await StartVpcAsync(1, publishConfig: false);
        await Vpc.Etcd.Keys.PutAsync("shop/network/config", TestVpc.Config, Cancel);
        var daemon = await Vpc.Instances[0].StartDaemonAsync(["--etcd-prefix=shop/network/"]);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.NotEmpty(await Vpc.Etcd.Keys.ListAsync("shop/network/subnets/", Cancel));
        const string line = "--etcd-prefix \"shop/network\" does not begin with '/'";
        await daemon.WaitForLogAsync(line, Cancel);
        Assert.Contains(
            line, (await Vpc.Instances[0].RunCommandAsync("check", Cancel, "--etcd-prefix=shop/network")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Variables_of_an_older_package_are_reported_with_their_new_names()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var environment = new Dictionary<string, string>
        {
            ["FLANNEL_ETCD_ENDPOINTS"] = $"http://root:{Secret}@127.0.0.1:2379",
            ["FLANNEL_ETCD_PREFIX"] = "/atomic.io/network",
            ["FLANNEL_OPTIONS"] = "--ip-masq",
        };
        var daemon = await instance.StartDaemonAsync([], environment);
        await daemon.WaitForReadyAsync(Cancel);
        var report = await RunOnAsync(instance, ["check"], environment);
        foreach (var name in environment.Keys)
        {
            var newName = name.Replace("FLANNEL_", "FLANNELD_", StringComparison.Ordinal);
            var line = $"{name} is not read: it is the name of an older package; use {newName}";
            Assert.Contains(line, daemon.StandardError, StringComparison.Ordinal);
            Assert.Contains(line, report.Output, StringComparison.Ordinal);
        }

        Assert.False(SecretScanner.ContainsSecret(daemon.AllOutput + report.Output + report.Error));
    }

    [Theory]
    [InlineData("root:SECRET@10.0.0.1:2379")]
    [InlineData("http://root:SECRET@10.0.0.1:2379")]
    [InlineData("//root:SECRET@10.0.0.1:2379")]
    [InlineData("http://root%3ASECRET%4010.0.0.1:2379")]
    [InlineData("http://10.0.0.1:2379?password=SECRET")]
    [InlineData("http://10.0.0.1:2379,root:SECRET@10.0.0.2:2379")]
    [InlineData("http://root:a,SECRET@10.0.0.1:2379")]
    [InlineData("http://10.0.0.1:2379#SECRET")]
    public async Task A_password_in_an_endpoint_is_never_printed(string form)
    {
        Require.NativeExecutable();
        var value = form.Replace("SECRET", Secret, StringComparison.Ordinal);
        string[] options = ["etcd-endpoints", "vpc-endpoint", "ecs-endpoint", "sts-endpoint", "quotas-endpoint", "metadata-endpoint"];
        foreach (var option in options)
        {
            var variable = "FLANNELD_" + option.ToUpperInvariant().Replace('-', '_');
            foreach (var command in new string[][] { [], ["check"], ["release"], ["routes"], ["healthcheck"] })
            {
                await AssertNotPrintedAsync([.. command, $"--{option}={value}"], []);
                await AssertNotPrintedAsync(command, new() { [variable] = value });
            }
        }
    }

    [Theory]
    [InlineData("HTTPS_PROXY", "http://root:SECRET@127.0.0.1:1")]
    [InlineData("https_proxy", "root:SECRET@127.0.0.1:1")]
    [InlineData("HTTPS_PROXY", "socks5://root:SECRET@127.0.0.1:1")]
    [InlineData("HTTPS_PROXY", "ftp://root:SECRET@127.0.0.1:1")]
    [InlineData("all_proxy", "root%3ASECRET@127.0.0.1:1")]
    [InlineData("HTTPS_PROXY", "//root:SECRET@127.0.0.1:1")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_URI", "http://root:SECRET@127.0.0.1:1/")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_URI", "root:SECRET@127.0.0.1:1/")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/?password=SECRET")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/SECRET")]
    public async Task A_password_in_a_proxy_or_credential_server_URL_is_never_printed(string variable, string form)
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), HasRole = false });
        var instance = Vpc.Instances[0];
        var environment = new Dictionary<string, string> { [variable] = form.Replace("SECRET", Secret, StringComparison.Ordinal) };
        string[] arguments = ["--vpc-endpoint=https://vpc.example.invalid", "--ecs-endpoint=https://ecs.example.invalid", "-v=10"];
        if (variable.EndsWith("proxy", StringComparison.OrdinalIgnoreCase))
        {
            environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] = CloudSetup.AccessKeyId;
            environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret;
        }

        var daemon = await instance.StartDaemonAsync(arguments, environment);
        await daemon.WaitForLogAsync("is not a candidate for route controller", Cancel);
        var report = await RunOnAsync(instance, ["check"], environment, arguments);
        Assert.NotEmpty(report.Output);
        var output = daemon.AllOutput + report.Output + report.Error;
        Assert.False(SecretScanner.ContainsSecret(output), output);
    }

    [Fact]
    public async Task A_dry_run_does_not_listen_on_the_health_port()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        var port = instance.FreePort();
        string[] health = ["--healthz-ip=127.0.0.1", $"--healthz-port={port}"];
        var daemon = await instance.StartDaemonAsync(health);
        await daemon.WaitForReadyAsync(Cancel);
        var result = await RunOnAsync(instance, ["--dry-run"], [], health);
        Assert.Equal((0, true), (result.ExitCode, result.Output.Length > 0));
    }

    [Fact]
    public async Task An_unavailable_health_address_is_reported_in_one_line()
    {
        Require.NativeExecutable();
        var port = Ports.Free();
        var result = await RunAsync(["--etcd-endpoints=http://127.0.0.1:1", "--healthz-ip=192.0.2.1", $"--healthz-port={port}"], []);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            $"cannot listen on --healthz-ip 192.0.2.1 --healthz-port {port}: it is not an address of this host",
            result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_while_nft_runs_exits_with_0()
    {
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        // nft fails the first time, so that the daemon retries it while it watches its lease; then it hangs.
        var nft = Path.Combine(instance.Folder, "nft");
        var script = $"""
            #!/bin/sh
            if [ -e {instance.Folder}/failed ]; then : >{instance.Folder}/hangs; exec sleep 600; fi
            : >{instance.Folder}/failed
            exit 1

            """;
        await File.WriteAllTextAsync(nft, script, Cancel);
        File.SetUnixFileMode(
            nft, File.GetUnixFileMode(nft) | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var daemon = await instance.StartDaemonAsync(
            ["--ip-masq"], new Dictionary<string, string> { ["PATH"] = $"{instance.Folder}:/usr/bin:/bin" });
        await Eventually.IsAsync("nft hangs", () => Task.FromResult(File.Exists(Path.Combine(instance.Folder, "hangs"))), Cancel);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
        InternalErrorAssert.None(daemon.StandardError);
    }

    [Fact]
    public async Task A_configuration_in_the_v2_store_of_etcd_is_reported_by_daemon_and_check()
    {
        await StartVpcAsync(1, publishConfig: false);
        using var folder = new RunFolder("v2");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), Cancel, more: ["--enable-v2=true"]);
        using var http = new HttpClient();
        using var content = new FormUrlEncodedContent([new("value", TestVpc.Config)]);
        using var written = await http.PutAsync(new Uri(etcd.Endpoint, $"/v2/keys{TestVpc.Prefix}/config"), content, Cancel);
        Assert.Equal(HttpStatusCode.Created, written.StatusCode);

        var endpoint = etcd.Endpoint.GetLeftPart(UriPartial.Authority);
        var subnetFile = Path.Combine(folder.Path, "subnet.env");
        string[] arguments = [$"--etcd-endpoints={endpoint}", "--iface=lo", "--public-ip=127.0.0.1", $"--subnet-file={subnetFile}"];
        await using var daemon = await ChildProcess.StartAsync(
            new ProgramStart(Locations.Flanneld, arguments) { Environment = new Dictionary<string, string>() });
        var line = $"the configuration is in the v2 store of {endpoint}, which flannel does not read: "
            + $"write it to {TestVpc.Prefix}/config with flanneld config set";
        await Eventually.IsAsync(
            "the daemon reports it", () => Task.FromResult(daemon.StandardError.Contains(line, StringComparison.Ordinal)), Cancel,
            context: () => daemon.StandardError);
        Assert.False(daemon.HasExited);
        var report = await RunAsync(["check", .. arguments, "--metadata-endpoint=http://127.0.0.1:1"], []);
        Assert.Contains(
            $"there is none at {TestVpc.Prefix}/config; the v2 store of {endpoint} has one, which flannel does not read",
            report.Output, StringComparison.Ordinal);
    }

    /// <summary>Runs a command with the arguments of the instance's daemon.</summary>
    private static Task<CommandResult> RunOnAsync(
        EcsInstance instance, string[] command, Dictionary<string, string> environment, params string[] more)
    {
        var start = new ProgramStart(Locations.Flanneld, [.. command, .. instance.Arguments, .. more])
        {
            Namespace = instance.Namespace,
            Environment = environment,
        };
        return ProcessCommand.TryRunAsync(start, Cancel);
    }

    private static async Task AssertNotPrintedAsync(string[] arguments, Dictionary<string, string> environment)
    {
        var result = await RunAsync(arguments, environment);
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.False(SecretScanner.ContainsSecret(result.Error), result.Error);
    }

    private static Task<CommandResult> RunAsync(string[] arguments, Dictionary<string, string> environment) =>
        ProcessCommand.TryRunAsync(new ProgramStart(Locations.Flanneld, arguments) { Environment = environment }, Cancel);
}
