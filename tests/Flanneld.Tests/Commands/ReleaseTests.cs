using Flannel.RouteController.Planning;
using Flanneld.Clients;
using Flanneld.Commands;
using Flanneld.Options;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Commands;

public sealed class ReleaseTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    private string SubnetPath => Path.Combine(directory, "subnet.env");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>The node's leases are unknown then. The command holds the lock, so no daemon runs that uses the subnet.</summary>
    [Fact]
    public async Task The_subnet_file_and_the_conflist_are_removed_even_if_the_interface_does_not_exist()
    {
        foreach (var name in new[] { "", ".last" })
            await File.WriteAllTextAsync(SubnetPath + name, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory, "10-flannel.conflist"), "{}", TestContext.Current.CancellationToken);
        var nothing = new Dictionary<string, string>();
        var options = CommandLine.Parse(
            [
                "release", "--iface=nosuch0", "--etcd-endpoints=http://127.0.0.1:1", $"--subnet-file={SubnetPath}",
                $"--install-cni={directory}",
            ], nothing).Value;
        var context = new ClientContext(nothing, NullLoggerFactory.Instance, TimeProvider.System, new Random(1));
        using var connections = Connections.Open(options, context).Value;

        var released = await new Release(options, connections, TimeProvider.System, null).RunAsync(TestContext.Current.CancellationToken);

        Assert.Contains("nosuch0", released.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(directory));
    }

    /// <summary>A Node outlives its annotations: without them, the route would stay until the Node is deleted.</summary>
    [Theory]
    [InlineData("--wait=0")]
    [InlineData("--force")]
    public async Task In_Kubernetes_a_lease_whose_route_may_exist_stays_marked_until_a_route_controller_has_deleted_it(string flag)
    {
        using var kube = new KubeStore();
        kube.Server.CreateNode("n1", "10.24.1.0/24");
        kube.Server.ChangeNode("n1", node => node with
        {
            Annotations = new Dictionary<string, string>
            {
                [kube.Store.Annotations.KubeSubnetManager] = "true",
                [kube.Store.Annotations.BackendType] = "ali-vpc",
                [kube.Store.Annotations.BackendData] =
                    new AliVpcBackendData("cn-hangzhou", "vpc-1", "vsw-1", "i-1", "eni-1", PrimaryInterface: true).ToJson(),
                [kube.Store.Annotations.PublicIp] = "192.168.1.1",
            },
        });
        var options = CommandLine.Parse(
            ["release", "--iface=lo", $"--subnet-file={SubnetPath}", flag], new Dictionary<string, string>()).Value;
        var connections = Connections.Open(options, kube.Context, kube.Store).Value;

        await new Release(options, connections, TimeProvider.System, null).RunAsync(TestContext.Current.CancellationToken);

        var lease = Assert.Single((await kube.Store.Subnets.ReadAsync(TestContext.Current.CancellationToken)).Leases);
        Assert.True(AliVpcBackendData.Parse(lease.Attributes.BackendData)?.Released);
    }
}
