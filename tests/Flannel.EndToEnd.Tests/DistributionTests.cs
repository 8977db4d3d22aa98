using System.Net;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>
/// The executable in the root of a distribution with another glibc than the one that is linked in. build.sh unpacks the roots (<c>find_roots</c>):
/// C library and the modules of its name service, which a static executable must never load.
/// </summary>
public sealed class DistributionTests
{
    /// <summary>The most that a distribution asks beside files and DNS, before DNS.</summary>
    private const string NameServices = """
        passwd: files systemd
        group: files systemd
        hosts: mymachines resolve [!UNAVAIL=return] myhostname files dns

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Folder { get; } = Path.Combine(Locations.Repository(), "artifacts", "roots");

    public static TheoryData<string> Roots { get; } =
        [.. new DirectoryInfo(Folder) is { Exists: true } folder ? folder.EnumerateDirectories().Select(root => root.Name).Where(name => !name.Contains('.')).Order().ToArray() : []];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Roots))]
    public async Task There_it_finds_names_by_a_search_domain_speaks_TLS_and_gets_its_route(string root)
    {
        await using var vpc = await StartAsync("etcd");
        // The certificate is for the name as it was written; the name service completes it.
        using var names = await DnsServer.StartAsync(vpc.Instances[0].Namespace!, "etcd.flannel.test", IPAddress.Parse(VpcTopology.EtcdAddress));
        var other = await OtherRoot.MakeAsync(vpc, Path.Combine(Folder, root), Cancel);
        await other.WriteAsync("etc/nsswitch.conf", NameServices, Cancel);
        await other.WriteAsync("etc/resolv.conf", "nameserver 127.0.0.1\nsearch elsewhere.test flannel.test\n", Cancel);
        await using var daemon = await other.StartAsync("etcd", withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.InRange(names.Answered, 1, int.MaxValue);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Roots))]
    public async Task There_it_finds_names_in_the_hosts_file(string root)
    {
        await using var vpc = await StartAsync("etcd.in.a.file");
        var other = await OtherRoot.MakeAsync(vpc, Path.Combine(Folder, root), Cancel);
        await other.WriteAsync("etc/nsswitch.conf", NameServices, Cancel);
        await other.WriteAsync("etc/hosts", $"127.0.0.1 localhost\n{VpcTopology.EtcdAddress} etcd.in.a.file\n", Cancel);
        await using var daemon = await other.StartAsync("etcd.in.a.file", withClientCertificate: true);
        await daemon.WaitForReadyAsync(Cancel);
        Assert.Equal(0, await daemon.StopAsync(Cancel));
    }

    private static async Task<VpcTopology> StartAsync(string etcdName)
    {
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        var vpc = await VpcTopology.StartAsync(new World { Instances = World.MakeInstances(1) }, Cancel, etcdName);
        await vpc.PublishConfigAsync(Cancel);
        return vpc;
    }
}
