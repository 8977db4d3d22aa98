using System.Globalization;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The daemon in the sandbox of the shipped unit and its drop-ins.</summary>
public sealed partial class HardeningTests : MachineTest
{
    private const string NoCapability = "0000000000000000";

    /// <summary>systemd's number for SystemCallErrorNumber=kill: INT_MAX - 1.</summary>
    private const string KillOnDeniedCall = "2147483646";

    /// <summary>SECCOMP_MODE_FILTER of linux/seccomp.h.</summary>
    private const string Filtered = "2";

    [Fact]
    public async Task The_daemon_works_in_the_sandbox_of_the_shipped_unit()
    {
        await StartMachineAsync(etcdName: "etcd.test");
        await InstallAsync();
        await ConfigureTlsAsync();
        // The shipped filter denies calls with EPERM, which may go unnoticed; in the test a denied call kills the daemon.
        await OverrideAsync("SystemCallErrorNumber=kill");
        // An existing lease with a short time to live: it is found, and renewed during the test. It is granted last, so that it does not
        // expire before the daemon reads it.
        var etcdLease = await Vpc.Etcd.Keys.GrantAsync(TimeSpan.FromSeconds(10), Cancel);
        await Vpc.Etcd.Keys.PutAsync($"{SubnetPrefix}10.24.77.0-24", TestVpc.UpstreamLease(Vpc.Instances[0].PublicIp), Cancel, etcdLease);
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        Assert.Equal(KillOnDeniedCall, await UnitAsync("SystemCallErrorNumber"));
        Assert.Equal("10.24.77.1/24", (await SubnetEnvAsync())["FLANNEL_SUBNET"]);
        await AssertSandboxAsync(NoCapability);
        Assert.Equal("flanneld", (await Machine.RunAsync($"stat --format=%U /proc/{await MainPidAsync()}", Cancel)).Trim());
        Assert.InRange(await ExposureAsync(), 0, 1.4);

        // The route controller creates a deleted route again.
        var entry = await WaitForRouteAsync("10.24.77.0/24", 0);
        await Vpc.Control.DeleteRouteAsync(entry.RouteEntryId, Cancel);
        await Eventually.IsAsync("the route is repaired", async () => await RouteAsync("10.24.77.0/24") is { Status: "Available" } other
            && other.RouteEntryId != entry.RouteEntryId, Cancel);
        using var http = Vpc.Instances[0].CreateHttpClient(HealthPort);
        await Eventually.IsAsync("the lease is renewed",
            async () => Renewals().Match(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancel))
                is { Success: true } match && int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) >= 2, Cancel);
        Assert.Contains("flanneld is ready",
            await http.GetStringAsync(new Uri("/readyz", UriKind.Relative), Cancel), StringComparison.Ordinal);
        await Machine.RunAsync("/usr/sbin/flanneld healthcheck --healthz-port=" + HealthPort, Cancel);
        await Machine.RunAsync("systemctl stop flanneld", Cancel);

        Assert.Equal(("success", "0"), (await UnitAsync("Result"), await UnitAsync("NRestarts")));
        var journal = await Machine.JournalAsync("flanneld", Cancel);
        foreach (var text in new[] { "denied", "not permitted", "SIGSYS", "Read-only file system", "Failed" })
        {
            Assert.DoesNotContain(text, journal, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task The_credentials_drop_in_passes_files_that_only_root_can_read()
    {
        const string password = $"Pw{SecretScanner.Marker}7x";
        await StartMachineAsync(setup: new CloudSetup { Instances = CloudSetup.MakeInstances(1), HasRole = false }, etcdName: "etcd.test");
        Vpc.EtcdHoldsSecret = true;
        string[] commands =
        [
            $"user add root:{password}", "user grant-role root root", $"user add node:{password}", "role add flannel",
            $"role grant-permission flannel --prefix=true readwrite {TestVpc.Prefix}/", "user grant-role node flannel", "auth enable",
        ];
        foreach (var line in commands)
        {
            await Vpc.Etcd.ControlAsync(Cancel, line.Split(' '));
        }
        await Machine.WriteAsync("/etc/flannel/etcd-password", password + "\n", Cancel);
        await Machine.WriteAsync("/etc/flannel/access-key",
            $$"""{"AccessKeyId":"{{CloudSetup.AccessKeyId}}","AccessKeySecret":"{{CloudSetup.AccessKeySecret}}"}""", Cancel);
        await Machine.RunAsync("chmod 600 /etc/flannel/*", Cancel);
        await InstallAsync();
        await ConfigureTlsAsync(new NamedValue("FLANNELD_ETCD_USERNAME", "node"));
        await DropInAsync("credentials.conf", "flanneld");
        await Machine.RunAsync("systemctl restart flanneld", Cancel);

        var lease = await Vpc.Etcd.ControlAsync(Cancel, $"--user=node:{password}", "get", "--prefix", SubnetPrefix, "--print-value-only");
        Assert.Contains($"\"PublicIP\":\"{Vpc.Instances[0].PublicIp}\"", lease, StringComparison.Ordinal);
        var first = (await SubnetEnvAsync())["FLANNEL_SUBNET"];
        await WaitForRouteAsync($"{first[..first.LastIndexOf('.')]}.0/24", 0);
        await AssertSandboxAsync(NoCapability);
        Assert.Contains(await Vpc.Control.ApiCallsAsync(Cancel), call => call.AccessKeyId == CloudSetup.AccessKeyId
            && call.Action == "CreateRouteEntries");
        SecretScanner.AssertNoneIn("the environment",
            await Machine.RunAsync($"tr '\\0' '\\n' </proc/{await MainPidAsync()}/environ; systemctl show flanneld", Cancel));
        SecretScanner.AssertNoneIn("the journal", await Machine.RunAsync("journalctl --no-pager", Cancel));
    }

    private async Task ConfigureTlsAsync(params NamedValue[] more)
    {
        var tls = ((VpcTopology)Vpc).EtcdTls!;
        foreach (var (name, source)
            in new[] { ("ca.pem", tls.Authority), ("client.pem", tls.Client.Certificate), ("client-key.pem", tls.Client.Key) })
        {
            await Machine.WriteAsync($"/etc/flannel/{name}", await File.ReadAllTextAsync(source, Cancel), Cancel);
        }
        await Machine.RunAsync("chown root:flanneld /etc/flannel/client-key.pem; chmod 640 /etc/flannel/client-key.pem", Cancel);
        await ConfigureAsync([
            new("FLANNELD_ETCD_CAFILE", "/etc/flannel/ca.pem"), new("FLANNELD_ETCD_CERTFILE", "/etc/flannel/client.pem"),
            new("FLANNELD_ETCD_KEYFILE", "/etc/flannel/client-key.pem"), new("FLANNELD_ROUTE_RESYNC", "1"), .. more]);
    }

    private async Task AssertSandboxAsync(string capabilities)
    {
        foreach (var set in new[] { "CapEff", "CapPrm", "CapBnd", "CapAmb" })
        {
            Assert.Equal((set, capabilities), (set, await ProcessStatusAsync(set)));
        }
        Assert.Equal(("1", Filtered), (await ProcessStatusAsync("NoNewPrivs"), await ProcessStatusAsync("Seccomp")));
    }

    /// <summary>The exposure level of systemd-analyze security: 0 is best, 10 is worst.</summary>
    private async Task<double> ExposureAsync()
    {
        var output = await Machine.RunAsync("systemd-analyze security --no-pager flanneld | tail -n 1", Cancel);
        return double.Parse(Exposure().Match(output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("exposure level for flanneld.service: ([0-9.]+)")]
    private static partial Regex Exposure();

    [GeneratedRegex("(?m)^flannel_lease_renewals_total ([0-9]+)$")]
    private static partial Regex Renewals();
}
