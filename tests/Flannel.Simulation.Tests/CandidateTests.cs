using Flannel.Etcd.Registry;
using Flannel.Simulation.Tests.Engine;

namespace Flannel.Simulation.Tests;

/// <summary>The candidate for route controller, in a simulated process.</summary>
public sealed class CandidateTests
{
    /// <summary>Otherwise the controller would continue with outdated leases.</summary>
    [Fact]
    public void A_route_controller_whose_lease_watch_fails_ends_its_process()
    {
        using var cluster = new Cluster(new Scheduler(1, log: false), 2);
        cluster.Put(cluster.Keys.Config.ToStringUtf8(), """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""");
        cluster.Start(cluster.Machines[0], withSubnetFile: false);
        var daemon = cluster.Machines[0].Daemon!;
        while (!daemon.ActsAsController || !daemon.IsReady) cluster.Step();
        var end = EtcdKeys.EndOf(cluster.Keys.Subnets);
        daemon.Etcd.WatchFault = ranges => ranges.Any(range => range.RangeEnd.Equals(end))
            ? new InvalidOperationException("unexpected")
            : null;
        daemon.Connection.Isolate();
        cluster.Run(cluster.Scheduler.Now + TimeSpan.FromSeconds(11));
        daemon.Connection.Reconnect();
        var failure = Assert.Throws<SimulationFailure>(() => cluster.Run(cluster.Scheduler.Now + TimeSpan.FromMinutes(5)));
        Assert.Contains("internal error", failure.Message, StringComparison.Ordinal);
        Assert.Contains("unexpected", failure.Message, StringComparison.Ordinal);
    }
}
