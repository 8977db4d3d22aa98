using System.Globalization;

namespace Flannel.Benchmarks;

/// <summary>The arguments of <c>./build.sh bench</c>.</summary>
internal sealed record BenchOptions
{
    public const string Help = """
        Usage: ./build.sh bench [--runs N] [--idle SECONDS] [--settle MS] [--latency MS] [--nodes N,N]

          --runs      measurements of each start; the median is printed       (5)
          --idle      seconds until the memory of an idle daemon is read      (60)
          --settle    milliseconds that the cloud needs for a route write     (500)
          --latency   milliseconds that each call of a slow API takes         (40)
          --nodes     nodes that start at the same time, one run per number; 0 for none   (20,60)

        ./build.sh bench join [--runs N] [--nodes N,N] [--settle MS] [--latency MS] [--timeline]
                                               one node that joins, with and without --settle and --latency; then N daemons that start at
                                               the same time, one after another, and an idle hour (10,50,200; 0 for none).
                                               --timeline prints the events of the last join of each row
                                               the variable GO_FLANNELD names a wrapper of flannel v0.19.2 to compare with
        ./build.sh bench start [--runs N] [--idle SECONDS]
                                               the moments of a start up to READY=1, and the memory (5, 60); needs strace
        ./build.sh bench etcd-load [--nodes N,N]
                                               the load on etcd of N nodes that start at the same time; without the executable
                                               (10,100,1000)
        ./build.sh bench scale [--nodes N,N]   processor time and allocations of the route controller for N leases in 10 route tables:
                                               a pass, a lease event, an idle hour; without the executable (100,1000,5000)
        ./build.sh bench failover [--runs N]   from the end of one route controller to the first call of the next: stopped and killed (5)
        ./build.sh bench datapath [--runs N] [--seconds N]
                                               throughput, latency and processor time between containers, ali-vpc beside vxlan (5, 10);
                                               needs root for network namespaces, and iperf3
        ./build.sh bench cluster [NODES]       recovery times after faults of an etcd cluster of three members with TLS and authentication,
                                               with NODES nodes (20); needs root for network namespaces

        All other runs use the loopback of this machine, the native flanneld, a real etcd and the simulated cloud.
        """;

    private const string Timeline = "--timeline";

    /// <summary>The numbers of nodes of <c>bench etcd-load</c>; null for other benchmarks.</summary>
    public IReadOnlyList<int>? EtcdLoadNodes { get; private init; }

    /// <summary>Whether this is <c>bench scale</c>.</summary>
    public bool ScaleOnly { get; private init; }

    /// <summary>Whether this is <c>bench failover</c>.</summary>
    public bool FailoverOnly { get; private init; }

    /// <summary>Whether this is <c>bench join</c>.</summary>
    public bool JoinsOnly { get; private init; }

    /// <summary>Whether this is <c>bench start</c>.</summary>
    public bool StartsOnly { get; private init; }

    /// <summary>Whether this is <c>bench datapath</c>.</summary>
    public bool DatapathOnly { get; private init; }

    /// <summary>The length of one transfer of <c>bench datapath</c>.</summary>
    public int Seconds { get; private init; } = 10;

    /// <summary>Whether <c>bench join</c> prints the events of a join.</summary>
    public bool HasTimeline { get; private init; }

    public int Runs { get; private init; } = 5;

    public int IdleSeconds { get; private init; } = 60;

    public int SettleMilliseconds { get; private init; } = 500;

    public int LatencyMilliseconds { get; private init; } = 40;

    public IReadOnlyList<int> Nodes { get; private init; } = [20, 60];

    /// <summary>Null for invalid arguments.</summary>
    public static BenchOptions? Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchOptions();
        if (arguments is ["join", ..])
        {
            var more = arguments.Skip(1).Where(argument => argument != Timeline);
            return Parse([.. more.Prepend("10,50,200").Prepend("--nodes")]) is { } join
                ? join with { JoinsOnly = true, HasTimeline = arguments.Contains(Timeline) } : null;
        }
        if (arguments is ["scale", ..])
        {
            return Parse([.. arguments.Skip(1).Prepend("100,1000,5000").Prepend("--nodes")]) is { } scale
                ? scale with { ScaleOnly = true } : null;
        }
        if (arguments is ["failover", ..])
            return Parse([.. arguments.Skip(1)]) is { } failover ? failover with { FailoverOnly = true } : null;
        if (arguments is ["start", ..]) return Parse([.. arguments.Skip(1)]) is { } start ? start with { StartsOnly = true } : null;
        if (arguments is ["datapath", ..])
            return Parse([.. arguments.Skip(1)]) is { } datapath ? datapath with { DatapathOnly = true } : null;
        if (arguments is ["etcd-load"]) return options with { EtcdLoadNodes = [10, 100, 1000] };
        if (arguments is ["etcd-load", "--nodes", var list]) return Numbers(list) is { Count: > 0 } nodeCounts
            && !nodeCounts.Contains(0) ? options with { EtcdLoadNodes = nodeCounts } : null;
        for (var i = 0; i < arguments.Count; i += 2)
        {
            if (i + 1 == arguments.Count || Numbers(arguments[i + 1]) is not { Count: > 0 } numbers)
            {
                return null;
            }
            switch (arguments[i])
            {
                case "--runs" when numbers is [> 0]: options = options with { Runs = numbers[0] }; break;
                case "--seconds" when numbers is [> 0]: options = options with { Seconds = numbers[0] }; break;
                case "--idle" when numbers.Count == 1: options = options with { IdleSeconds = numbers[0] }; break;
                case "--settle" when numbers.Count == 1: options = options with { SettleMilliseconds = numbers[0] }; break;
                case "--latency" when numbers.Count == 1: options = options with { LatencyMilliseconds = numbers[0] }; break;
                case "--nodes" when numbers is [0]: options = options with { Nodes = [] }; break;
                case "--nodes" when !numbers.Contains(0): options = options with { Nodes = numbers }; break;
                default: return null;
            }
        }
        return options;
    }

    private static List<int>? Numbers(string text)
    {
        List<int> numbers = [];
        foreach (var part in text.Split(','))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }
            numbers.Add(number);
        }
        return numbers;
    }
}
