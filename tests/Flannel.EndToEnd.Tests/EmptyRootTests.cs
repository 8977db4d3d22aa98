using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A static executable can lose what glibc and OpenSSL used to find at run time: name resolution, certificates, randomness.</summary>
public sealed class EmptyRootTests
{
    private const string EtcdName = "etcd.flannel.test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_there_is_no_library_it_resolves_names_and_speaks_TLS_with_a_certificate_of_its_own()
    {
        await using var vpc = await StartAsync();
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, EtcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, EtcdName, withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.InRange(names.Answered, 1, int.MaxValue);
        Assert.Single(await vpc.LeasesAsync(Cancel));
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Fact]
    public async Task It_refuses_a_server_whose_certificate_is_for_another_name()
    {
        await using var vpc = await StartAsync();
        const string other = "other.flannel.test";
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, other, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, other, withClientCertificate: true);
        await daemon.WaitForLogAsync("certificate", Cancel);
        Assert.False(daemon.IsReady);
        Assert.Empty(await vpc.LeasesAsync(Cancel));
    }

    [Fact]
    public async Task Without_a_certificate_of_its_own_it_gets_nothing_from_an_etcd_that_wants_one()
    {
        await using var vpc = await StartAsync();
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, EtcdName, IPAddress.Parse(VpcTopology.EtcdAddress));
        await using var daemon = await StartInEmptyRootAsync(vpc, EtcdName, withClientCertificate: false);
        await daemon.WaitForLogAsync("etcd does not answer", Cancel);
        Assert.False(daemon.IsReady);
        Assert.Empty(await vpc.LeasesAsync(Cancel));
    }

    private static async Task<VpcTopology> StartAsync()
    {
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        var vpc = await VpcTopology.StartAsync(new World { Instances = World.MakeInstances(1) }, Cancel, EtcdName);
        await vpc.PublishConfigAsync(Cancel);
        return vpc;
    }

    private static async Task<DaemonProcess> StartInEmptyRootAsync(VpcTopology vpc, string etcdName, bool withClientCertificate) =>
        await (await OtherRoot.MakeAsync(vpc, null, Cancel)).StartAsync(etcdName, withClientCertificate);
}
