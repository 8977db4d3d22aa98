using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>Histories that a seed decides, each run twice: without IPv6, and with IPv6 whose calls fail in every way. What happens to IPv4
/// must be the same. After the faults IPv6 is as desired as well.</summary>
public sealed class Ipv6SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 40;
    private const int Nodes = 12;

    /// <summary>An IPv4 route waits at most for one write of IPv6 that does not respond, and for its own calls.</summary>
    private static readonly TimeSpan LongestWait = Ipv6Reconciler.WriteLimit + TimeSpan.FromSeconds(5);

    private static readonly string[] Refusals =
    [
        "OperationDenied.VpcIpv6NotEnabled", "OperationDenied.Ipv6EntryOnCustomTable", "OperationUnsupported.MutipleIpv6Address",
        "OperationFailed.NotSupportIPv6", "IncorrectStatus.Ipv6Address", "SomethingNew",
    ];

    private static readonly InMemoryCloudApi.Fault[] Faults =
    [
        InMemoryCloudApi.Fault.Busy, InMemoryCloudApi.Fault.NoConnection, InMemoryCloudApi.Fault.TimeoutAfterSuccess,
        new(CloudErrorKind.Reread, CloudErrorCodes.Timeout, Delay: TimeSpan.FromSeconds(20)),
        new(CloudErrorKind.Denied, "Forbidden.RAM"), new(CloudErrorKind.Quota, "QuotaExceeded"),
        new(CloudErrorKind.Unknown, "SomethingNew"),
        new(CloudErrorKind.Retry, "Throttling.User", RetryAfter: TimeSpan.FromSeconds(2)),
        new(CloudErrorKind.Retry, "InternalError") { HttpStatus = 500 },
    ];

    /// <param name="entriesPerPage">With 1, single destinations are read.</param>
    [Theory]
    [InlineData(CloudLimits.EntriesPerPage)]
    [InlineData(1)]
    public void Whatever_happens_to_IPv6_the_outcome_of_IPv4_is_the_same(int entriesPerPage)
    {
        var ipv6Writes = 0;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var without = Run(seed, isDualStack: false, entriesPerPage);
            var with = Run(seed, isDualStack: true, entriesPerPage);
            Assert.True(without.Ipv4 == with.Ipv4, $"seed {seed}:\n{without.Ipv4}\nand with IPv6:\n{with.Ipv4}");
            Assert.True(with.Violations.Count == 0, $"seed {seed}: {string.Join('\n', with.Violations)}");
            Assert.Equal(0, without.Ipv6Writes);
            ipv6Writes += with.Ipv6Writes;
        }

        output.WriteLine($"{ipv6Writes} writes of IPv6 in {Seeds} histories");
        Assert.InRange(ipv6Writes, 5 * Seeds, int.MaxValue);
    }

    private sealed record Outcome(string Ipv4, IReadOnlyList<string> Violations, int Ipv6Writes);

    private static Outcome Run(int seed, bool isDualStack, int entriesPerPage)
    {
        Outcome? outcome = null;
        Cluster.Run(async cluster =>
        {
            var history = new History(cluster, seed, isDualStack);
            outcome = await history.RunAsync();
        }, new RouteControllerOptions([]) { EntriesPerPage = entriesPerPage });
        return outcome!;
    }

    /// <summary>One generator decides the events, and another the faults of IPv6, so that both runs have the same events.</summary>
    private sealed class History(Cluster cluster, int seed, bool isDualStack)
    {
        private readonly Random events = new(seed);
        private readonly Random faults = new(seed + 1000);
        private readonly List<string> violations = [];
        private readonly HashSet<int> joined = [];
        private bool injectsFaults = true;
        private string? refusal;

        public async Task<Outcome> RunAsync()
        {
            cluster.Leases.Config = InMemoryLeases.ConfigFor("10.24.0.0/16", isDualStack ? "fd00:24::/32" : null);
            cluster.Cloud.Faults = FaultOf;
            cluster.Cloud.Ipv6Refusal = _ => refusal;
            cluster.Cloud.RefusesIpv6Batches = events.Next(2) == 0;
            cluster.Cloud.AddEntry("vtb-1", "::/0", "i-99");
            cluster.Cloud.AddEntry("vtb-1", "fd00:24:0:77::/64", "i-99");
            cluster.Start();
            for (var step = 0; step < 25; step++)
            {
                await cluster.Time.Pass(TimeSpan.FromMilliseconds(events.Next(1, 20_000)));
                refusal = faults.Next(2) == 0 ? null : Refusals[faults.Next(Refusals.Length)];
                await StepAsync(events.Next(1, Nodes + 1), events.Next(4));
            }

            (injectsFaults, refusal) = (false, null);
            await cluster.Time.Pass(TimeSpan.FromHours(1));
            CheckIpv6();
            var statuses = joined.Order().Select(node => cluster.Status(SubnetOf(node)) is { } status
                ? $"{status.Subnet} {status.State} {status.Message} {string.Join(' ', status.RouteTableIds)}"
                : $"{node} has no status");
            var entries = cluster.Cloud.Routes("vtb-1").Where(route => !IsIpv6(route)).Order(StringComparer.Ordinal);
            return new Outcome(
                string.Join('\n', statuses.Concat(entries)), violations, cluster.Cloud.Calls.Count(call => call.IsWrite && IsOfIpv6(call)));
        }

        private async Task StepAsync(int node, int kind)
        {
            var subnet = SubnetOf(node);
            switch (kind)
            {
                case 0 when joined.Count > 3 && joined.Remove(node):
                    cluster.Leases.Remove(subnet);
                    break;
                case 1 when joined.Contains(node):
                    // An operator deletes the routes of the node.
                    cluster.Cloud.Tables["vtb-1"].Entries.RemoveAll(entry =>
                        entry.Destination == subnet || (entry.Destination == Ipv6SubnetOf(node) && isDualStack));
                    break;
                case 2 when joined.Contains(node) && cluster.Cloud.Tables["vtb-1"].At(subnet) is { } entry:
                    entry.Hop = new("Instance", "i-98");
                    // A lease that ends before the repair proves nothing about an entry that leads elsewhere.
                    await cluster.Time.Until(() => cluster.Hop(subnet) == $"i-{node}");
                    break;
                default:
                    if (!joined.Add(node)) break;
                    var began = cluster.Time.Elapsed;
                    cluster.Join(subnet, $"i-{node}", ipv6: isDualStack ? Ipv6SubnetOf(node) : null);
                    await cluster.UntilAvailable(subnet);
                    if (cluster.Time.Elapsed - began > LongestWait)
                        violations.Add($"{subnet} waited for {cluster.Time.Elapsed - began}, from {began}");
                    break;
            }
        }

        /// <summary>Only calls of IPv6 fail.</summary>
        private InMemoryCloudApi.Fault? FaultOf(InMemoryCloudApi.Call call)
        {
            if (!call.IsWrite || !IsOfIpv6(call)) return null;
            if (call.Subjects.Any(subject => subject.Contains(" ::/0", StringComparison.Ordinal)
                || subject.Contains(":77:", StringComparison.Ordinal)))
                violations.Add($"{call.Action} of an entry of others");
            return injectsFaults && faults.Next(3) == 0 ? Faults[faults.Next(Faults.Length)] : null;
        }

        /// <summary>After the faults.</summary>
        private void CheckIpv6()
        {
            if (!isDualStack) return;
            string[] desired = ["::/0 i-99 Available", "fd00:24:0:77::/64 i-99 Available",
                .. joined.Select(node => $"{Ipv6SubnetOf(node)} i-{node} Available")];
            var observed = cluster.Cloud.Routes("vtb-1").Where(IsIpv6).ToList();
            violations.AddRange(desired.Except(observed).Select(route => $"missing {route}"));
            violations.AddRange(observed.Except(desired).Select(route => $"unexpected {route}"));
            violations.AddRange(joined.Where(node => cluster.Ipv6(SubnetOf(node))?.State != RouteState.Available)
                .Select(node => $"{SubnetOf(node)}: {cluster.Ipv6(SubnetOf(node))}"));
        }

        private static bool IsIpv6(string route) => route.Split(' ')[0].Contains(':', StringComparison.Ordinal);

        private static bool IsOfIpv6(InMemoryCloudApi.Call call) =>
            call.Subjects.Any(subject => subject.Contains("::", StringComparison.Ordinal));

        private static string SubnetOf(int node) => $"10.24.{node}.0/24";

        private static string Ipv6SubnetOf(int node) => $"fd00:24:0:{node:x}::/64";
    }
}
