using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A root folder for the executable with /dev/urandom, /etc/resolv.conf and TLS files, and optionally a copy of a
/// distribution.</summary>
internal sealed class ChrootFolder
{
    private readonly VpcTopology vpc;
    private readonly string root;

    private ChrootFolder(VpcTopology vpc, string root) => (this.vpc, this.root) = (vpc, root);

    /// <summary>Starts a VPC with one instance, an etcd with mutual TLS and a network config.</summary>
    public static async Task<VpcTopology> StartVpcAsync(string etcdName, CancellationToken cancel)
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        var vpc = await VpcTopology.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(1) }, cancel, etcdName);
        await vpc.PublishConfigAsync(cancel);
        return vpc;
    }

    /// <param name="distribution">The root of a distribution to copy; null for an empty root.</param>
    public static async Task<ChrootFolder> CreateAsync(VpcTopology vpc, string? distribution, CancellationToken cancel)
    {
        var root = vpc.Folder.CreateWritableSubfolder("root");
        if (distribution is not null)
        {
            await ProcessCommand.RunAsync(new ProgramStart("cp", ["-a", Path.Combine(distribution, "."), root]), cancel);
        }
        Directory.CreateDirectory(Path.Combine(root, "etc"));
        File.Copy(Path.Combine(vpc.Folder.Path, "flanneld"), Path.Combine(root, "flanneld"));
        foreach (var file in new[] { vpc.EtcdTls!.Authority, vpc.EtcdTls.Client.Certificate, vpc.EtcdTls.Client.Key })
        {
            File.Copy(file, Path.Combine(root, Path.GetFileName(file)));
        }
        await CreateRandomDeviceAsync(root, cancel);
        var created = new ChrootFolder(vpc, root);
        await created.WriteAsync("etc/resolv.conf", "nameserver 127.0.0.1\n", cancel);
        return created;
    }

    /// <summary>Creates /dev/urandom in a root folder.</summary>
    public static Task CreateRandomDeviceAsync(string root, CancellationToken cancel)
    {
        var dev = Directory.CreateDirectory(Path.Combine(root, "dev")).FullName;
        return ProcessCommand.RunAsync(new ProgramStart("mknod", ["-m", "666", Path.Combine(dev, "urandom"), "c", "1", "9"]), cancel);
    }

    /// <param name="file">Relative to the root; its folder is created.</param>
    public Task WriteAsync(string file, string text, CancellationToken cancel)
    {
        var path = Path.Combine(root, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return File.WriteAllTextAsync(path, text, cancel);
    }

    /// <summary>Starts flanneld in the root, on the first instance of the VPC.</summary>
    public Task<DaemonProcess> StartAsync(string etcdName, bool withClientCertificate) =>
        DaemonProcess.StartAsync(NewStart(etcdName, withClientCertificate), Path.Combine(root, "notify"));

    /// <summary>Runs a command of flanneld in the root.</summary>
    public Task<CommandResult> RunAsync(string etcdName, string command, CancellationToken cancel, params string[] more) =>
        ProcessCommand.TryRunAsync(NewStart(etcdName, withClientCertificate: true, [command], more), cancel);

    private ProgramStart NewStart(string etcdName, bool withClientCertificate, string[]? command = null, string[]? more = null) =>
        new("/flanneld",
        [
            .. command ?? [], $"--etcd-endpoints=https://{etcdName}:2379", "--etcd-cafile=/ca.pem",
            .. withClientCertificate ? new[] { "--etcd-certfile=/client.pem", "--etcd-keyfile=/client-key.pem" } : [],
            $"--vpc-endpoint={VpcTopology.ApiEndpoint}", $"--ecs-endpoint={VpcTopology.ApiEndpoint}",
            "--subnet-file=/run/flannel/subnet.env",
            // Without /proc/net/route flanneld cannot find the interface of the default route.
            "--iface=eth0", $"--public-ip={vpc.Instances[0].Facts.PrivateIp}", .. more ?? [],
        ])
        { Namespace = vpc.Instances[0].Namespace, ChangeRoot = root, Environment = new Dictionary<string, string> { ["HOME"] = "/" } };
}
