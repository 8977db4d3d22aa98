using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>flanneld bugreport</c> with and without a daemon and etcd.</summary>
public sealed class BugReportTests : EndToEndTest
{
    private static readonly string[] Titles =
    [
        "versions", "etcd", "settings", "flanneld config get", "flanneld status", "flanneld leases --output wide",
        "flanneld check, and check --output json", "/healthz", "/readyz?verbose", "/metrics", "subnet.env", "systemctl show and status",
        "drop-ins", "last 500 lines of the journal", "ip", "firewall rules of flanneld",
    ];

    [Fact]
    public async Task The_report_of_a_running_node_has_every_part()
    {
        await StartVpcAsync(1);
        var port = $"--healthz-port={Vpc.Instances[0].FreePort()}";
        await StartReadyAsync(0, port, "--healthz-ip=127.0.0.1");
        var path = Path.Combine(Vpc.Instances[0].Folder, "report.txt");

        var result = await Vpc.Instances[0].RunCommandAsync("bugreport", Cancel, port, $"--file={path}");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.StartsWith($"{path}\nreview it before you share it", result.Output, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var report = await ReadAsync(path);
        Assert.Equal(Titles, report.Keys);
        var subnet = await SubnetAsync(0);
        Assert.Matches("^flanneld [0-9]", report["versions"]);
        Assert.Contains(": etcd 3.", report["etcd"], StringComparison.Ordinal);
        Assert.Contains($"--subnet-file={Vpc.Instances[0].SubnetFile}  (the command line)\n", report["settings"], StringComparison.Ordinal);
        Assert.Contains("\"Network\": \"10.24.0.0/16\"", report["flanneld config get"], StringComparison.Ordinal);
        Assert.Contains("subnet usable     yes\n", report["flanneld status"], StringComparison.Ordinal);
        Assert.Contains($"{subnet} ", report["flanneld leases --output wide"], StringComparison.Ordinal);
        Assert.Contains("ok       identity", report["flanneld check, and check --output json"], StringComparison.Ordinal);
        Assert.Contains("\"checks\": [", report["flanneld check, and check --output json"], StringComparison.Ordinal);
        Assert.StartsWith("HTTP 200\n", report["/healthz"], StringComparison.Ordinal);
        Assert.StartsWith("HTTP 200\n[+]", report["/readyz?verbose"], StringComparison.Ordinal);
        Assert.Contains("\nflannel_", report["/metrics"], StringComparison.Ordinal);
        Assert.Contains("\nFLANNEL_NETWORK=10.24.0.0/16\n", report["subnet.env"], StringComparison.Ordinal);
        Assert.Contains("# ip route\n", report["ip"], StringComparison.Ordinal);

        // A report never overwrites a file.
        var again = await Vpc.Instances[0].RunCommandAsync("bugreport", Cancel, $"--file={path}");
        Assert.Equal((1, $"flanneld bugreport: {path} exists; name another file with --file\n"), (again.ExitCode, again.Error));
    }

    [Fact]
    public async Task Without_a_daemon_and_etcd_the_report_says_what_could_not_be_read()
    {
        await StartVpcAsync(1);
        await Vpc.Etcd.StopAsync(Cancel);

        // A password that would be sent to etcd. A command whose output has a secret fails the test.
        var environment = new Dictionary<string, string> { ["FLANNELD_ETCD_USERNAME"] = $"root:pw{SecretScanner.Marker}2" };
        var result = await Vpc.Instances[0].RunCommandAsync("bugreport", "", environment, Cancel, "--healthz-port=1", "--file=-");

        Assert.True(result.ExitCode == 0, result.Error);
        var report = Split(result.Output);
        Assert.Equal(Titles, report.Keys);
        Assert.Contains("--etcd-username=***", report["settings"], StringComparison.Ordinal);
        Assert.StartsWith("not read: etcd: ", report["flanneld config get"], StringComparison.Ordinal);
        Assert.StartsWith("not read: etcd: ", report["flanneld leases --output wide"], StringComparison.Ordinal);
        Assert.Contains("subnet usable     no: etcd: ", report["flanneld status"], StringComparison.Ordinal);
        Assert.StartsWith("not read: no response from http://127.0.0.1:1/healthz", report["/healthz"], StringComparison.Ordinal);
        Assert.Contains("there is none", report["subnet.env"], StringComparison.Ordinal);
        Assert.Contains("# ip route\n", report["ip"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_the_daemon_rejects_are_in_the_report()
    {
        await StartVpcAsync(1);
        // A command whose output has a secret fails the test.
        var environment = new Dictionary<string, string>
        {
            ["FLANNELD_ROUTE_RESYNC"] = "soon",
            ["FLANNELD_ETCD_PASSWORD"] = $"pw{SecretScanner.Marker}3",
        };

        var result = await Vpc.Instances[0].RunCommandAsync("bugreport", "", environment, Cancel, "--file=-");

        Assert.True(result.ExitCode == 0, result.Error);
        var report = Split(result.Output);
        Assert.Equal(Titles, report.Keys);
        Assert.StartsWith("invalid, so that this report uses the defaults: FLANNELD_ROUTE_RESYNC", report["settings"],
            StringComparison.Ordinal);
        Assert.Contains("\nFLANNELD_ETCD_PASSWORD=***\nFLANNELD_ROUTE_RESYNC=soon\n", report["settings"], StringComparison.Ordinal);
        Assert.StartsWith("not read: FLANNELD_ROUTE_RESYNC", report["flanneld status"], StringComparison.Ordinal);
        Assert.StartsWith("not read: the port of the health server is not known", report["/healthz"], StringComparison.Ordinal);
        Assert.Contains("# ip route\n", report["ip"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_report_has_no_secret()
    {
        await StartVpcAsync(1, publishConfig: false);
        Vpc.EtcdHoldsSecret = true;
        await Vpc.PublishConfigAsync(Cancel, $$$"""
            {"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc",
            "AccessKeyID":"{{{CloudSetup.AccessKeyId}}}","AccessKeySecret":"{{{CloudSetup.AccessKeySecret}}}"}}
            """);
        var environment = new Dictionary<string, string>
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = CloudSetup.AccessKeyId,
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret,
            // A proxy for no host that is called.
            ["HTTPS_PROXY"] = $"http://user:pw{SecretScanner.Marker}1@127.0.0.1:9",
        };
        var keyFile = Path.Combine(Vpc.Instances[0].Folder, "access-key");
        await File.WriteAllTextAsync(
            keyFile, $"AccessKeyId={CloudSetup.AccessKeyId}\nAccessKeySecret={CloudSetup.AccessKeySecret}\n", Cancel);

        // A command whose output has a secret fails the test.
        var result = await Vpc.Instances[0].RunCommandAsync(
            "bugreport", "", environment, Cancel, "--file=-", $"--access-key-file={keyFile}", "-v=10");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.False(SecretScanner.ContainsSecret(result.Output));
        Assert.DoesNotContain(CloudSetup.AccessKeyId, result.Output, StringComparison.Ordinal);
        Assert.Contains("\"AccessKeySecret\": \"***\"", result.Output, StringComparison.Ordinal);
        Assert.Contains("HTTPS_PROXY", Split(result.Output)["settings"], StringComparison.Ordinal);
    }

    private static async Task<Dictionary<string, string>> ReadAsync(string path) => Split(await File.ReadAllTextAsync(path, Cancel));

    /// <summary>The parts by their titles, in their order.</summary>
    private static Dictionary<string, string> Split(string report) => report.Split("\n===== ").Skip(1)
        .Select(part => part.Split(" =====\n", 2)).ToDictionary(part => part[0], part => part[1]);
}
