using Flanneld.Commands;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Commands;

public sealed class ReleaseTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    private string SubnetPath => Path.Combine(directory, "subnet.env");

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>Which leases are this node's is not known then. The command holds the lock, so no daemon runs that would use the
    /// subnet.</summary>
    [Fact]
    public async Task With_an_interface_that_does_not_exist_it_removes_the_subnet_file_all_the_same()
    {
        foreach (var name in new[] { "", ".last" })
            await File.WriteAllTextAsync(SubnetPath + name, "FLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        var nothing = new Dictionary<string, string>();
        var (options, error) = CommandLine.Parse(
            ["release", "--iface=nosuch0", "--etcd-endpoints=http://127.0.0.1:1", $"--subnet-file={SubnetPath}"], nothing);
        Assert.Equal("", error);
        using var connections = Connections.Open(
            options!, nothing, NullLoggerFactory.Instance, TimeProvider.System, new Random(1), out error);
        Assert.Equal("", error);

        var problem = await new Release(options!, connections!, TimeProvider.System, null).RunAsync(TestContext.Current.CancellationToken);

        Assert.Contains("nosuch0", problem, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(directory));
    }
}
