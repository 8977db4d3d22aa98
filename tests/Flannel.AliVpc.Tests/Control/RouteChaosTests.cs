using Flannel.AliVpc.Api;
using Flannel.AliVpc.Control;
using Flannel.AliVpc.Tests.Control.Support;
using Flannel.Core.Routes;
using Fault = Flannel.AliVpc.Tests.Control.Support.FakeCloud.Fault;

namespace Flannel.AliVpc.Tests.Control;

/// <summary>The whole controller for ten virtual minutes of trouble: nodes come and go, calls fail in every way, another program and a
/// careless operator write into the same table, terms are lost. Then the trouble stops, and the table must be what the leases say.</summary>
public sealed class RouteChaosTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void After_any_trouble_the_table_is_what_the_leases_say(int seed) => VirtualTime.Run(async time =>
    {
        using var cluster = new Cluster(time, seed: seed);
        var chance = new Random(seed);
        var trouble = true;
        var troubles = 0;
        cluster.Cloud.Faults = _ =>
        {
            if (!trouble || chance.NextDouble() > 0.15) return null;
            troubles++;
            return AnyFault(chance);
        };
        Keep(cluster, time, () => trouble, chance);
        var foreign = Foreign(cluster);
        var wishes = await TroubleAsync(cluster, chance);
        trouble = false;

        await time.Pass(TimeSpan.FromMinutes(20));
        Assert.Empty(cluster.Cloud.Violations);
        var wanted = cluster.Leases.Snapshot.Leases.Select(lease =>
            $"{lease.Subnet} {AliVpcBackendData.Parse(lease.Attributes.BackendData)!.InstanceId} Available");
        Assert.Equal(wanted.Concat(foreign).Order(StringComparer.Ordinal), cluster.Cloud.Routes("vtb-1").Order(StringComparer.Ordinal));
        Assert.All(cluster.Leases.Snapshot.Leases, lease => Assert.Equal(RouteState.Available, cluster.Term.Statuses[lease.Key.ToString()].State));
        Assert.DoesNotContain(true, cluster.Cloud.SourceDestChecks.Where(c => cluster.Leases.Snapshot.Leases.Any(l => l.Attributes.BackendData!.Contains(c.Key, StringComparison.Ordinal))).Select(c => c.Value));
        // Each wish takes a call, and so may each fault and each conflict with the other writer.
        Assert.InRange(cluster.Cloud.Writes, 1, 3 * wishes + 2 * troubles);

        var (writes, words) = (cluster.Cloud.Writes, cluster.Term.Published.Count);
        await time.Pass(TimeSpan.FromMinutes(30));
        Assert.Equal((writes, words), (cluster.Cloud.Writes, cluster.Term.Published.Count));
    });

    private static Fault AnyFault(Random chance) => chance.Next(8) switch
    {
        0 => Fault.Busy,
        1 => Fault.TimeoutAfterSuccess,
        2 => Fault.NoConnection,
        3 => new Fault(CloudErrorKind.Reread, "<answer>", Done: true),
        4 => new Fault(CloudErrorKind.Retry, "Throttling.User", RetryAfter: TimeSpan.FromSeconds(chance.Next(5))),
        5 => new Fault(CloudErrorKind.Unknown, "NeverHeardOf"),
        6 => new Fault(CloudErrorKind.Retry, "IncorrectInstanceStatus"),
        _ => new Fault(CloudErrorKind.Retry, "IncorrectRouteEntryStatus"),
    };

    /// <summary>One term after the other; each is lost after a while as long as the trouble lasts.</summary>
    private static async void Keep(Cluster cluster, VirtualTime time, Func<bool> trouble, Random chance)
    {
        while (true)
        {
            cluster.Start();
            if (trouble())
            {
                await Task.WhenAny(cluster.Running, time.Pass(TimeSpan.FromSeconds(chance.Next(5, 200))));
                cluster.Term.Lose();
            }

            await cluster.Running;
            await time.Pass(TimeSpan.FromSeconds(1));
            cluster.Term = new FakeTerm(time, cluster.Leases) { Statuses = cluster.Term.Statuses };
        }
    }

    private static List<string> Foreign(Cluster cluster)
    {
        var other = OwnershipMark.For("/other", FakeLeases.ConfigFor("10.24.0.0/16").Network);
        cluster.Cloud.AddEntry("vtb-1", "0.0.0.0/0", "ngw-1", Cluster.Mark.Token);
        cluster.Cloud.AddEntry("vtb-1", "10.0.0.0/8", "i-cen");
        cluster.Cloud.AddEntry("vtb-1", "10.25.3.0/24", "i-x", Cluster.Mark.Token);
        cluster.Cloud.AddEntry("vtb-1", "10.24.200.0/24", "i-unmarked");
        cluster.Cloud.AddEntry("vtb-1", "10.24.201.0/24", "i-other", other.Token);
        cluster.Cloud.AddEntry("vtb-1", "10.24.0.0/20", "i-wide");
        return [.. cluster.Cloud.Routes("vtb-1")];
    }

    /// <summary>Ten minutes of everything; how many wishes came of it.</summary>
    private static async Task<int> TroubleAsync(Cluster cluster, Random chance)
    {
        var wishes = 0;
        var end = cluster.Time.Elapsed + TimeSpan.FromMinutes(10);
        while (cluster.Time.Elapsed < end)
        {
            await cluster.Time.Pass(TimeSpan.FromMilliseconds(chance.Next(1, 8000)));
            var subnet = $"10.24.{chance.Next(1, 25)}.0/24";
            var leased = cluster.Leases.Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet);
            var entry = cluster.Cloud.Tables["vtb-1"].At(subnet);
            wishes++;
            switch (chance.Next(10))
            {
                case < 5 when !leased:
                    cluster.Join(subnet, $"i-{chance.Next(1000)}");
                    break;
                case < 7 when leased:
                    cluster.Leases.Remove(subnet);
                    cluster.Term.Statuses.TryRemove(subnet.Replace('/', '-'), out _);
                    break;
                case 7 when entry is { Status: RouteEntryStatus.Available }:
                    cluster.Cloud.Tables["vtb-1"].Entries.Remove(entry);
                    break;
                case 8 when entry is { Status: RouteEntryStatus.Available }:
                    entry.Hop = new NextHop("Instance", "i-thief");
                    break;
                case 9:
                    cluster.Leases.IsWhole = chance.Next(3) > 0;
                    cluster.Leases.Touch();
                    break;
                default:
                    wishes--;
                    break;
            }
        }

        cluster.Leases.IsWhole = true;
        cluster.Leases.Touch();
        return wishes;
    }
}
