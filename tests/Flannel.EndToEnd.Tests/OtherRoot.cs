using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A root of its own for the executable: nothing but /dev/urandom, a resolver's configuration and the files of TLS, or that beside what a distribution brings.</summary>
internal sealed class OtherRoot
{
    private readonly VpcTopology vpc;
    private readonly string root;

    private OtherRoot(VpcTopology vpc, string root) => (this.vpc, this.root) = (vpc, root);

    /// <param name="distribution">The folder of a distribution's root to copy; null: none.</param>
    public static async Task<OtherRoot> MakeAsync(VpcTopology vpc, string? distribution, CancellationToken cancel)
    {
        var root = vpc.Folder.WritableByAll("root");
        if (distribution is not null)
        {
            await ProcessCommand.RunAsync(new ProgramStart("cp", ["-a", Path.Combine(distribution, "."), root]), cancel);
        }
        Directory.CreateDirectory(Path.Combine(root, "etc"));
        Directory.CreateDirectory(Path.Combine(root, "dev"));
        File.Copy(Path.Combine(vpc.Folder.Path, "flanneld"), Path.Combine(root, "flanneld"));
        foreach (var file in new[] { vpc.EtcdTls!.Authority, vpc.EtcdTls.Client.Certificate, vpc.EtcdTls.Client.Key })
        {
            File.Copy(file, Path.Combine(root, Path.GetFileName(file)));
        }
        await ProcessCommand.RunAsync(new ProgramStart("mknod", ["-m", "666", Path.Combine(root, "dev", "urandom"), "c", "1", "9"]), cancel);
        var made = new OtherRoot(vpc, root);
        await made.WriteAsync("etc/resolv.conf", "nameserver 127.0.0.1\n", cancel);
        return made;
    }

    public Task WriteAsync(string file, string text, CancellationToken cancel) => File.WriteAllTextAsync(Path.Combine(root, file), text, cancel);

    /// <summary>Starts flanneld in it, on the first instance of the VPC.</summary>
    public Task<DaemonProcess> StartAsync(string etcdName, bool withClientCertificate)
    {
        var start = new ProgramStart("/flanneld",
        [
            $"--etcd-endpoints=https://{etcdName}:2379", "--etcd-cafile=/ca.pem", .. withClientCertificate ? new[] { "--etcd-certfile=/client.pem", "--etcd-keyfile=/client-key.pem" } : [],
            $"--vpc-endpoint=http://{VpcTopology.ApiAddress}:8080", $"--ecs-endpoint=http://{VpcTopology.ApiAddress}:8080", "--subnet-file=/run/flannel/subnet.env",
            // There is no /proc/net/route in an empty root.
            "--iface=eth0", $"--public-ip={this.vpc.Instances[0].Facts.PrivateIp}",
        ])
        { Namespace = this.vpc.Instances[0].Namespace, ChangeRoot = root, Environment = new Dictionary<string, string> { ["HOME"] = "/" } };
        return DaemonProcess.StartAsync(start, Path.Combine(root, "notify"));
    }
}
