using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

/// <summary><c>subnet.env</c> and the conflist of one node: the conflist comes second and goes first.</summary>
public sealed class ConflistReconcilerTests : IDisposable
{
    private static readonly Ipv4Network Subnet = Ipv4Network.Parse("10.24.5.0/24");
    private static readonly SubnetEnv Env = new(Ipv4Network.Parse("10.24.0.0/16"), Subnet, 1500, false);
    private static readonly Lease Held = new(
        new SubnetKey(Subnet), new LeaseAttributes(Ipv4Address.Parse("192.168.1.11"), null, "ali-vpc", null, null),
        new TestLeaseIdentity(10, 7), 10);

    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;
    private readonly RecordingLogger log = new();
    private readonly SystemdNotifier systemd = new(null);
    private readonly ObservedSubnetFile subnetFile;
    private readonly NodeReadiness readiness;
    private readonly HostReconciler host;

    public ConflistReconcilerTests()
    {
        var time = new FakeTimeProvider();
        readiness = new NodeReadiness("etcd", systemd, new ControllerMetrics(), time, time.GetTimestamp(), log);
        var config = NetworkConfigParser.Parse("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}"""u8).Value;
        readiness.Apply(new NodeEvent.Acquired(Held, config, TimeSpan.FromHours(24), "i-1"));
        readiness.Apply(new NodeEvent.LeaseChanged(new LeaseEvent.Confirmed(Held)));
        var conflist = new ConflistFile(Folder, null, log);
        subnetFile = new ObservedSubnetFile(Path.Combine(directory, "subnet.env"), Conflist);
        var file = new ConflistSubnetFile(subnetFile, conflist);
        host = new HostReconciler(readiness, new SubnetFileReconciler(file, Env, log), null)
        {
            Conflist = new ConflistReconciler(conflist, file, Env),
        };
    }

    private string Folder => Path.Combine(directory, "net.d");

    private string Conflist => Path.Combine(Folder, CniConflist.FileName);

    private bool IsReady => NodeStatus.Checks(readiness.State).All(check => check.Ok);

    public void Dispose()
    {
        systemd.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task The_conflist_is_written_after_subnet_env_and_removed_before_it()
    {
        await ApplyAsync(RouteState.Pending);
        Assert.False(File.Exists(Conflist));
        await ApplyAsync(RouteState.Available);
        var written = await File.ReadAllBytesAsync(Conflist, TestContext.Current.CancellationToken);
        Assert.Equal(CniConflist.Create(Env, subnetFile.Path), written);
        Assert.True(IsReady);

        await ApplyAsync(RouteState.Conflict);
        Assert.False(File.Exists(Conflist));
        Assert.False(File.Exists(subnetFile.Path));
        Assert.Equal(["write without conflist", "remove without conflist"], subnetFile.Calls);
    }

    [Fact]
    public async Task A_conflist_that_cannot_be_written_prevents_readiness_and_leaves_subnet_env()
    {
        await File.WriteAllTextAsync(Folder, "a file in place of the folder", TestContext.Current.CancellationToken);
        await ApplyAsync(RouteState.Available);
        Assert.True(File.Exists(subnetFile.Path));
        var check = Assert.Single(NodeStatus.Checks(readiness.State), check => !check.Ok);
        Assert.Contains(Conflist, check.Detail, StringComparison.Ordinal);

        File.Delete(Folder);
        await host.ReconcileAsync(TestContext.Current.CancellationToken);
        Assert.True(File.Exists(Conflist));
        Assert.True(IsReady);
    }

    [Fact]
    public async Task A_conflist_of_another_program_is_removed_while_the_subnet_may_not_be_used()
    {
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Conflist, "{}", TestContext.Current.CancellationToken);
        await ApplyAsync(RouteState.Pending);
        Assert.False(File.Exists(Conflist));
    }

    /// <summary>The file of an earlier run stays while the status of the route is not known, and so does its conflist.</summary>
    [Fact]
    public async Task The_conflist_of_an_earlier_run_stays_while_subnet_env_stays()
    {
        Assert.Null(subnetFile.Write(Env).Error);
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Conflist, "{}", TestContext.Current.CancellationToken);
        await host.ReconcileAsync(TestContext.Current.CancellationToken);
        Assert.Equal("{}", await File.ReadAllTextAsync(Conflist, TestContext.Current.CancellationToken));

        await ApplyAsync(RouteState.Available);
        Assert.NotEqual("{}", await File.ReadAllTextAsync(Conflist, TestContext.Current.CancellationToken));
    }

    private async Task ApplyAsync(RouteState state)
    {
        var status = new RouteStatus("10.24.5.0/24", "i-1", ["vtb-1"], state, state == RouteState.Available ? "" : "why", "req-1", default);
        readiness.Apply(new NodeEvent.LeaseChanged(new LeaseEvent.RouteStatusChanged(status)));
        await host.ReconcileAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Records whether the conflist exists at each change of <c>subnet.env</c>.</summary>
    private sealed class ObservedSubnetFile(string path, string conflist) : ISubnetFile
    {
        private readonly SubnetFile file = new(path);

        public List<string> Calls { get; } = [];

        public string Path => path;

        public SubnetFileState Read() => file.Read();

        public Result<Unit> Write(SubnetEnv subnetEnv)
        {
            Record("write");
            return file.Write(subnetEnv);
        }

        public Result<Unit> Remove()
        {
            Record("remove");
            return file.Remove();
        }

        private void Record(string call) => Calls.Add($"{call} {(File.Exists(conflist) ? "with" : "without")} conflist");
    }
}
