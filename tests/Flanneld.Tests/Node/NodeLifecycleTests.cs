using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

public sealed class NodeLifecycleTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>Such as the health server: the node may wait for etcd for hours, and nobody would answer probes meanwhile.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_part_that_ends_while_the_node_still_waits_for_etcd_ends_the_daemon(bool isCancelled)
    {
        using var stop = new CancellationTokenSource();
        var parts = new DaemonParts(stop.Token);
        var part = new TaskCompletionSource();
        parts.Add("the health server", part.Task);
        var time = new FakeTimeProvider();
        using var node = Node(new ModelEtcd(time) { Reachable = false }, time, parts);
        var running = node.RunAsync(null, null, stop.Token);
        Assert.False(running.IsCompleted);

        if (isCancelled) part.SetCanceled(CancellationToken.None);
        else part.SetException(new InvalidOperationException("broken"));

        var line = await LineAsync(running).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Contains("a fault of this program: the health server ", line, StringComparison.Ordinal);
        await stop.CancelAsync();
        await parts.EndAsync().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    /// <summary>Why the daemon ends, as an answer or as an exception.</summary>
    private static async Task<string?> LineAsync(Task<string?> running)
    {
        try
        {
            return await running;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e.Message;
        }
    }

    private NodeLifecycle Node(IEtcd etcd, TimeProvider time, DaemonParts parts)
    {
        Assert.True(EtcdKeys.TryCreate("/coreos.com/network", out var keys, out var error), error);
        var path = Path.Combine(directory, "subnet.env");
        var (metrics, loops) = (new ControllerMetrics(), new LivenessMonitor(time));
        var host = new NodeHost(
            new SubnetFile(path), new LastSubnetFile(path, null), new NodeHealth(metrics, time, loops), metrics, new SystemdNotifier(null),
            loops);
        var services = new NodeServices(
            etcd, new NoIdentity(), _ => throw new InvalidOperationException("no cloud"), NullLoggerFactory.Instance, time, new Random(1));
        return new NodeLifecycle(
            new NodeSettings(keys, Ipv4Address.Parse("192.168.1.11"), 1500), host, services, parts, time.GetTimestamp());
    }

    private sealed class NoIdentity : INodeIdentity
    {
        public Flannel.AliCloud.Metadata.InstanceIdentity? Current => null;

        public Task<IdentityResult> ReadAsync() => Task.FromResult<IdentityResult>(new IdentityResult.Impossible("not asked"));
    }
}
