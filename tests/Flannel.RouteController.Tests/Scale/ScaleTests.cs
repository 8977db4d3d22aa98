using System.Collections;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Scale;

/// <summary>The cost of the controller grows with the number of leases and not faster. Bytes and reads are counted, not time: they are
/// the same on every machine.</summary>
public sealed class ScaleTests
{
    private const int Few = 500;
    private const int Many = 5 * Few;
    private const int Tables = 3;

    // Five times as many leases cost five times as much; hash tables grow in steps.
    private const double Most = 6;

    private static readonly Cost NoCost = new(0, 0, 0);

    /// <summary>Allocated bytes.</summary>
    /// <param name="Pass">Of one comparison of all tables.</param>
    /// <param name="Join">Of a lease event, until the route is available.</param>
    private sealed record Cost(long Start, long Pass, long Join);

    [Fact]
    public void Cost_grows_at_most_linearly_with_the_number_of_leases() => AssertLinear(CostOf(Few), CostOf(Many));

    /// <summary>One call for each table before the write and one after it, whatever else is being read.</summary>
    [Theory]
    [InlineData(1000, 10)]
    [InlineData(2500, 10)]
    public void A_node_that_joins_a_large_cluster_waits_for_reads_of_its_own_destination_only(int leases, int tables) =>
        VirtualTime.Run(async time =>
        {
            using var cluster = new ScaleCluster(time, leases, tables);
            await cluster.StartAsync();
            for (var i = 0; i < 10; i++)
            {
                await time.Pass(TimeSpan.FromSeconds(17));
                var (joined, before) = (time.Elapsed, cluster.Cloud.DestinationPages);
                await cluster.JoinAsync();
                Assert.InRange(cluster.Cloud.DestinationPages - before, 1, 2 * tables);
                Assert.InRange(time.Elapsed - joined, TimeSpan.Zero, TimeSpan.FromSeconds(1));
            }

            await cluster.StopAsync();
        });

    /// <summary>Each entry without a desired route is compared with the subnets that are not changed, and with the desired
    /// routes.</summary>
    [Fact]
    public void A_plan_reads_the_leases_a_fixed_number_of_times_whatever_the_number_of_entries()
    {
        Assert.Equal(ReadsWith(unmanaged: 1), ReadsWith(unmanaged: 200));
    }

    private static int ReadsWith(int unmanaged)
    {
        var desired = new CountedList<DesiredRoute>([.. Enumerable.Range(0, 50).Select(n => Plans.Desired($"10.24.{n}.0/24"))]);
        var excluded = new CountedList<IpNetwork>([.. Enumerable.Range(50, 50).Select(n => IpNetwork.Parse($"10.24.{n}.0/24"))]);
        List<RouteEntry> entries = [.. Enumerable.Range(0, unmanaged).Select(n => Plans.Entry($"10.24.200.{n}/32", "vpn-1"))];
        Assert.Equal(
            50 + unmanaged, RoutePlan.For(new RoutePlanInput("vtb-1", Plans.Network, desired, excluded, entries, Plans.Ours)).Count);
        return desired.Reads + excluded.Reads;
    }

    /// <summary>Counts the items that are read.</summary>
    private sealed class CountedList<T>(List<T> items) : IReadOnlyCollection<T>
    {
        public int Reads { get; private set; }

        public int Count => items.Count;

        public IEnumerator<T> GetEnumerator()
        {
            foreach (var item in items)
            {
                Reads++;
                yield return item;
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private static void AssertLinear(Cost few, Cost many)
    {
        Assert.InRange(many.Start, few.Start, few.Start * Most);
        Assert.InRange(many.Pass, few.Pass, few.Pass * Most);
        Assert.InRange(many.Join, few.Join, few.Join * Most);
    }

    private static Cost CostOf(int leases)
    {
        var cost = NoCost;
        VirtualTime.Run(async time =>
        {
            using var cluster = new ScaleCluster(time, leases, Tables);
            cost = new Cost(await AllocatedAsync(cluster.StartAsync), await AllocatedAsync(() => cluster.PassAsync(5)) / 5,
                await AllocatedAsync(cluster.JoinAsync));
            await cluster.StopAsync();
        });
        return cost;
    }

    private static async Task<long> AllocatedAsync(Func<Task> measured)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        await measured();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
