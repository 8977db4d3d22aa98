using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>
/// The executable in the root of a distribution with another glibc than the linked one. build.sh unpacks the roots (<c>find_roots</c>):
/// the C library and its NSS modules, which a static executable must not load.
/// </summary>
public sealed class DistributionTests
{
    /// <summary>The NSS modules of all common distributions, in front of DNS.</summary>
    private const string NameServices = """
        passwd: files systemd
        group: files systemd
        hosts: mymachines resolve [!UNAVAIL=return] myhostname files dns

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Folder { get; } = Path.Combine(Locations.Repository(), "artifacts", "roots");

    public static TheoryData<string> Roots { get; } =
    [
        .. new DirectoryInfo(Folder) is { Exists: true } folder
            ? folder.EnumerateDirectories().Select(root => root.Name).Where(name => !name.Contains('.')).Order().ToArray()
            : [],
    ];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Roots))]
    public async Task Resolves_names_with_a_search_domain_and_connects_with_TLS(string distribution)
    {
        await using var vpc = await StartAsync("etcd");
        // The certificate is for the short name; the resolver appends the search domain.
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, "etcd.flannel.test",
            IPAddress.Parse(VpcTopology.EtcdAddress));
        var root = await ChrootFolder.CreateAsync(vpc, Path.Combine(Folder, distribution), Cancel);
        await root.WriteAsync("etc/nsswitch.conf", NameServices, Cancel);
        await root.WriteAsync("etc/resolv.conf", "nameserver 127.0.0.1\nsearch elsewhere.test flannel.test\n", Cancel);
        await using var daemon = await root.StartAsync("etcd", withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.InRange(names.QueryCount, 1, int.MaxValue);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Roots))]
    public async Task Resolves_names_from_the_hosts_file(string distribution)
    {
        await using var vpc = await StartAsync("etcd.in.a.file");
        var root = await ChrootFolder.CreateAsync(vpc, Path.Combine(Folder, distribution), Cancel);
        await root.WriteAsync("etc/nsswitch.conf", NameServices, Cancel);
        await root.WriteAsync("etc/hosts", $"127.0.0.1 localhost\n{VpcTopology.EtcdAddress} etcd.in.a.file\n", Cancel);
        await using var daemon = await root.StartAsync("etcd.in.a.file", withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    private static Task<VpcTopology> StartAsync(string etcdName) => ChrootFolder.StartVpcAsync(etcdName, Cancel);
}
