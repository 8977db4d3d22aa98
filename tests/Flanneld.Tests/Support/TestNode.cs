using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Observability;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Support;

/// <summary>One run of a node, with a subnet manager of the test's choice and simulated time. Everything else of
/// <see cref="NodeLifecycle"/> is real.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly FakeTimeProvider time;
    private readonly SystemdNotifier systemd = new(null);
    private readonly RecordingLoggerFactory loggers;
    private readonly CancellationTokenSource stop = new();
    private readonly BackgroundTasks tasks;
    private readonly NodeLifecycle node;
    private readonly NodeReadiness readiness;

    /// <param name="directory">The folder of <c>subnet.env</c>.</param>
    public TestNode(ISubnetManager subnets, string directory, FakeTimeProvider time, INodeIdentity identity, IHostCommands? commands = null,
        IpAddress? ipv6Address = null)
    {
        this.time = time;
        SubnetPath = Path.Combine(directory, "subnet.env");
        loggers = new RecordingLoggerFactory(Log);
        readiness = new NodeReadiness(subnets.Name, systemd, new ControllerMetrics(), time, time.GetTimestamp(), Log);
        var host = new NodeHost(
            new SubnetFile(SubnetPath), new LastSubnetFile(SubnetPath, null), readiness, systemd, new LivenessMonitor(time));
        tasks = new BackgroundTasks(stop.Token);
        node = new NodeLifecycle(
            new NodeSettings(Ipv4Address.Parse("192.168.1.11"), 1500) { InterfaceName = "eth0", InterfaceIpv6Address = ipv6Address }, host,
            new NodeServices(subnets, identity, Candidates, loggers, time)
            {
                HostCommands = commands ?? new SimulatedHostCommands { Error = "no commands in this test" },
            }, tasks);
        Running = node.RunAsync(stop.Token);
    }

    public string SubnetPath { get; }

    public RecordingLogger Log { get; } = new();

    public RecordingCandidates Candidates { get; } = new();

    /// <summary>Ends with the reason why the node ends.</summary>
    public Task<string> Running { get; }

    public NodeState State => readiness.State;

    public bool IsReady => NodeStatus.Checks(State).All(check => check.Ok);

    /// <summary>The state of the lease as <c>/readyz</c> shows it.</summary>
    public string LeaseDetail => NodeStatus.Checks(State)[0].Detail;

    public bool HasFile => File.Exists(SubnetPath);

    /// <summary>Advances the time until the condition is true.</summary>
    public async Task UntilAsync(string what, Func<bool> condition)
    {
        for (var steps = 0; !condition(); steps++)
        {
            Assert.True(steps < 2000, $"never {what}: {LeaseDetail}; {string.Join('\n', Log.Texts)}");
            await AdvanceAsync(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Advances the time in steps of one second, so that every loop runs.</summary>
    public async Task AdvanceAsync(TimeSpan duration)
    {
        for (var passed = TimeSpan.Zero; passed < duration; passed += TimeSpan.FromSeconds(1))
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Why the node ended.</summary>
    public async Task<string> EndAsync()
    {
        await UntilAsync("ended", () => Running.IsCompleted);
        return await Running;
    }

    /// <summary>Stops the node as systemd does.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Running);
        await tasks.WhenAllEndedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await tasks.WhenAllEndedAsync();
        node.Dispose();
        loggers.Dispose();
        systemd.Dispose();
        stop.Dispose();
    }
}
