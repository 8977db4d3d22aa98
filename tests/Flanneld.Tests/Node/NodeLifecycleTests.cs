using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

public sealed class NodeLifecycleTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("flannel-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    /// <summary>Such as the health server: the node may wait for etcd for hours, and without the server every probe fails.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_background_task_that_ends_while_the_node_waits_for_etcd_ends_the_daemon(bool isCancelled)
    {
        using var stop = new CancellationTokenSource();
        var tasks = new BackgroundTasks(stop.Token);
        var part = new TaskCompletionSource();
        tasks.Add("the health server", part.Task);
        var time = new FakeTimeProvider();
        using var node = Node(new ModelEtcd(time) { IsAvailable = false }, time, tasks);
        var running = node.RunAsync(stop.Token);
        Assert.False(running.IsCompleted);

        if (isCancelled) part.SetCanceled(CancellationToken.None);
        else part.SetException(new InvalidOperationException("broken"));

        var line = await LineAsync(running).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Contains("internal error (please report): the health server ", line, StringComparison.Ordinal);
        await stop.CancelAsync();
        await tasks.WhenAllEndedAsync().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    /// <summary>Why the daemon ends: the result, or the message of the exception.</summary>
    private static async Task<string> LineAsync(Task<string> running)
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

    private NodeLifecycle Node(IEtcd etcd, TimeProvider time, BackgroundTasks tasks)
    {
        var keys = EtcdKeys.Parse("/coreos.com/network").Value;
        var path = Path.Combine(directory, "subnet.env");
        var systemd = new SystemdNotifier(null);
        var readiness = new NodeReadiness("etcd", systemd, new ControllerMetrics(), time, time.GetTimestamp(), NullLogger.Instance);
        var host = new NodeHost(new SubnetFile(path), new LastSubnetFile(path, null), readiness, systemd, new LivenessMonitor(time));
        var subnets = new EtcdSubnetManager(new EtcdContext(etcd, keys, time, new Random(1), NullLogger.Instance));
        var services = new NodeServices(subnets, new NoIdentity(), new RecordingCandidates(), NullLoggerFactory.Instance, time);
        return new NodeLifecycle(new NodeSettings(Ipv4Address.Parse("192.168.1.11"), 1500), host, services, tasks);
    }
}
