using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The executable in a root without libraries: name resolution, TLS and random numbers work without files of a
/// distribution.</summary>
public sealed class EmptyRootTests
{
    private const string EtcdName = "etcd.flannel.test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Resolves_names_and_connects_with_a_client_certificate_in_an_empty_root()
    {
        await using var vpc = await StartAsync();
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, EtcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, EtcdName, withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.InRange(names.QueryCount, 1, int.MaxValue);
        Assert.Single(await vpc.LeasesAsync(Cancel));
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Fact]
    public async Task A_server_certificate_for_another_name_is_refused()
    {
        await using var vpc = await StartAsync();
        const string other = "other.flannel.test";
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, other, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, other, withClientCertificate: true);
        await daemon.WaitForLogAsync($"the certificate of {other}:2379 is for another name: ", Cancel);
        Assert.False(daemon.IsReady);
        Assert.Empty(await vpc.LeasesAsync(Cancel));
    }

    [Fact]
    public async Task Without_the_required_client_certificate_no_lease_is_acquired()
    {
        await using var vpc = await StartAsync();
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, EtcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, EtcdName, withClientCertificate: false);
        await daemon.WaitForLogAsync("etcd unavailable", Cancel);
        Assert.False(daemon.IsReady);
        Assert.Empty(await vpc.LeasesAsync(Cancel));
    }

    [Fact]
    public async Task Status_names_the_settings_that_changed_since_the_daemon_started()
    {
        await using var vpc = await StartAsync();
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, EtcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        var root = await ChrootFolder.CreateAsync(vpc, null, Cancel);
        await using var daemon = await root.StartAsync(EtcdName, withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        // The root has no /proc. The copy of the daemon's files says that systemd has started it.
        var folder = $"proc/{daemon.Id}";
        await root.WriteAsync($"{folder}/comm", "flanneld\n", Cancel);
        await root.WriteAsync($"{folder}/cmdline", await File.ReadAllTextAsync($"/{folder}/cmdline", Cancel), Cancel);
        await root.WriteAsync($"{folder}/environ", await File.ReadAllTextAsync($"/{folder}/environ", Cancel) + "INVOCATION_ID=1\0", Cancel);
        Assert.DoesNotContain("restart it", (await root.RunAsync(EtcdName, "status", Cancel)).Output, StringComparison.Ordinal);

        await root.WriteAsync("etc/default/flanneld", "FLANNELD_ROUTE_RESYNC=30\n", Cancel);
        Assert.Contains(
            "settings          the daemon runs with other settings than its service has now: FLANNELD_ROUTE_RESYNC changed in"
            + " /etc/default/flanneld; restart it\n",
            (await root.RunAsync(EtcdName, "status", Cancel)).Output, StringComparison.Ordinal);
    }

    private static Task<VpcTopology> StartAsync() => ChrootFolder.StartVpcAsync(EtcdName, Cancel);

    private static async Task<DaemonProcess> StartInEmptyRootAsync(VpcTopology vpc, string etcdName, bool withClientCertificate) =>
        await (await ChrootFolder.CreateAsync(vpc, null, Cancel)).StartAsync(etcdName, withClientCertificate);
}
