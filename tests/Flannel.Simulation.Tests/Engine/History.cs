using Flannel.Core.Leases;
using Flannel.Etcd.Client;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One history of a cluster whose subnet manager is etcd.</summary>
internal sealed class History(Cluster cluster) : ClusterHistory<Daemon>(cluster, new FaultInjector(cluster))
{
    private readonly Cluster etcd = cluster;

    /// <summary>Covers a watch that became silent at the end of the faults, a lease that expires before its subnet is free, and
    /// back-off.</summary>
    protected override TimeSpan Convergence => TimeSpan.FromSeconds(180);

    /// <summary>Long enough to detect a watch that became silent at the end of the faults, and to read again (seed 2165).</summary>
    protected override TimeSpan SteadyState => EtcdDurations.WatchSilence + EtcdDurations.WatchProbe + TimeSpan.FromSeconds(20);

    /// <summary>Two renewals of a lease, the renewals of a term, a pass of the controller, and events of other nodes.</summary>
    protected override int RequestsInSteadyState => 120;

    /// <param name="isDualStack">The cluster has IPv6, too.</param>
    /// <exception cref="SimulationFailure">With the seed and the last events.</exception>
    public static HistoryReport Run(int seed, bool isDualStack = false) => HistoryRunner.Run(
        seed, isDualStack ? "dual stack" : "",
        scheduler => new History(new Cluster(scheduler, 2 + scheduler.Random.Next(5), isDualStack)));

    protected override string? FindMissing(Machine machine) =>
        IsReady(machine) || IsRefused(machine) || (machine.SubnetInFile is null && IsFull()) ? null : DescribeUnready(machine);

    /// <summary>Whether another machine with the same address is ready or has a reservation, so that this machine gets no lease. Its file
    /// may stay with a subnet that is reserved for it and that the configuration no longer allows.</summary>
    private bool IsRefused(Machine machine)
    {
        var leases = etcd.Leases().ToList();
        return etcd.Machines.Exists(other => other != machine && other.PublicIp == machine.PublicIp
                && (IsReady(other)
                    || leases.Exists(lease => lease.Pair.Lease == 0 && LeaseHolder.Of(lease.Pair)?.Instance == other.Instance)))
            && (machine.SubnetInFile is not { } subnet
                || leases.Exists(lease => lease.Key.Subnet == subnet && LeaseHolder.Of(lease.Pair)?.Is(machine) == true));
    }

    /// <summary>Whether no subnet of the current configuration is free, because running nodes keep subnets of earlier ones.</summary>
    private bool IsFull() =>
        etcd.Config is { } config && SubnetAllocator.CountFree(config, etcd.Leases().Select(lease => lease.Key.Subnet)) == 0;

    private static bool IsReady(Machine machine) => machine.Daemon is { IsReady: true, Subnet: not null };
}
