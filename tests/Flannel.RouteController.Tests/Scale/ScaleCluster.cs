using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.RouteController.Tests.Scale;

/// <summary>A route controller with many leases and the same number of entries in each of several route tables, in virtual time. Its
/// surroundings cost next to nothing, so that a measurement is that of the controller.</summary>
internal sealed class ScaleCluster : IReconcileObserver, IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly VirtualTime time;
    private readonly int tables;
    private readonly ClusterReconciler controller;
    private Task running = Task.CompletedTask;
    private int nodes;
    private int available;

    public ScaleCluster(VirtualTime time, int leases, int tables)
    {
        (this.time, this.tables, nodes, available) = (time, tables, leases, leases);
        Cloud = new ScaleCloud(time, tables);
        for (var node = 1; node <= nodes; node++)
        {
            Leases.Add(node, tables);
            var hop = new NextHop("Instance", ScaleLeases.DataOf(node, tables).InstanceId);
            Cloud.Add(new NewRouteEntry("", ScaleLeases.SubnetOf(node), hop, ScaleTerm.Mark.Token, ScaleTerm.Mark.Description));
        }

        controller = new ClusterReconciler(
            new RouteControllerOptions([]), Leases, Cloud,
            new ControllerContext(time, new Random(1), NullLogger.Instance, new LivenessMonitor(time)) { Observer = this });
    }

    public ScaleCloud Cloud { get; }

    public ScaleLeases Leases { get; } = new();

    public ScaleTerm Term { get; } = new();

    /// <summary>Passes that have ended.</summary>
    public long Passes { get; private set; }

    public void PassEnded(ReconcilePass pass) => Passes++;

    /// <summary>Starts the controller and waits until it has reported every route and has nothing more to do.</summary>
    public async Task StartAsync()
    {
        running = controller.RunAsync(Term, stop.Token);
        await time.Until(() => Term.Available == available, TimeSpan.FromHours(1));
        await time.Pass(TimeSpan.FromMinutes(10));
    }

    /// <summary>Waits for the passes of this many comparisons of all tables.</summary>
    public async Task PassAsync(int count)
    {
        var end = Passes + count;
        await time.Until(() => Passes >= end, TimeSpan.FromHours(24));
    }

    /// <summary>A node joins, and its route becomes available.</summary>
    public async Task JoinAsync()
    {
        available++;
        Leases.Add(++nodes, tables);
        await time.Until(() => Term.Available == available, TimeSpan.FromHours(1));
    }

    public async Task StopAsync()
    {
        stop.Cancel();
        await running;
    }

    public void Dispose() => stop.Dispose();
}
