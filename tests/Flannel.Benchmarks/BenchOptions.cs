using System.Globalization;

namespace Flannel.Benchmarks;

/// <summary>The arguments of <c>./build.sh bench</c>.</summary>
internal sealed record BenchOptions
{
    public const string Help = """
        Usage: ./build.sh bench [--runs N] [--idle SECONDS] [--settle MS] [--latency MS] [--nodes N,N]

          --runs      measurements of each start; the median is printed       (5)
          --idle      seconds until the memory is read, once a second for a minute; the median is printed   (60)
          --settle    milliseconds that the cloud needs for a route write     (500)
          --latency   milliseconds that each call of a slow API takes         (40)
          --nodes     nodes that start at the same time, one run per number; 0 for none   (20,60)

        ./build.sh bench join [--runs N] [--nodes N,N] [--settle MS] [--latency MS] [--timeline]
                                               one node that joins, with and without --settle and --latency; then N daemons that start at
                                               the same time, one after another, and an idle hour (10,50,200; 0 for none).
                                               --timeline prints the events of the last join of each row
                                               the variable GO_FLANNELD names an executable of flannel v0.19.2 to compare with
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

    public Benchmark Benchmark { get; private init; }

    /// <summary>The length of one transfer of <c>bench datapath</c>.</summary>
    public int Seconds { get; private init; } = 10;

    /// <summary>Whether <c>bench join</c> prints the events of a join.</summary>
    public bool HasTimeline { get; private init; }

    public int Runs { get; private init; } = 5;

    public int IdleSeconds { get; private init; } = 60;

    public int SettleMilliseconds { get; private init; } = 500;

    public int LatencyMilliseconds { get; private init; } = 40;

    /// <summary>Numbers of nodes or leases, one run for each. That of <c>bench cluster</c> is the only one.</summary>
    public IReadOnlyList<int> Nodes { get; private init; } = [20, 60];

    /// <summary>Null for invalid arguments.</summary>
    public static BenchOptions? Parse(IReadOnlyList<string> arguments)
    {
        var defaults = DefaultsOf(arguments is [var name, ..] ? name : "");
        IReadOnlyList<string> rest = defaults.Benchmark == Benchmark.Standard ? arguments : [.. arguments.Skip(1)];
        return defaults.Benchmark == Benchmark.Cluster ? defaults.WithClusterNodes(rest) : defaults.With(rest);
    }

    private static BenchOptions DefaultsOf(string name) => name switch
    {
        "join" => new() { Benchmark = Benchmark.Join, Nodes = [10, 50, 200] },
        "start" => new() { Benchmark = Benchmark.Start },
        "etcd-load" => new() { Benchmark = Benchmark.EtcdLoad, Nodes = [10, 100, 1000] },
        "scale" => new() { Benchmark = Benchmark.Scale, Nodes = [100, 1000, 5000] },
        "failover" => new() { Benchmark = Benchmark.Failover },
        "datapath" => new() { Benchmark = Benchmark.Datapath },
        "cluster" => new() { Benchmark = Benchmark.Cluster, Nodes = [20] },
        _ => new(),
    };

    private BenchOptions? WithClusterNodes(IReadOnlyList<string> arguments) => arguments switch
    {
        [] => this,
        [var text] when Numbers(text) is [> 1 and <= 200 and var nodes] => this with { Nodes = [nodes] },
        _ => null,
    };

    private BenchOptions? With(IReadOnlyList<string> arguments)
    {
        var options = this;
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == Timeline && Benchmark == Benchmark.Join)
            {
                options = options with { HasTimeline = true };
                continue;
            }

            var name = arguments[i];
            if (++i == arguments.Count || Numbers(arguments[i]) is not { } numbers) return null;
            if (options.With(name, numbers) is not { } changed) return null;
            options = changed;
        }

        return options;
    }

    private BenchOptions? With(string name, List<int> numbers) => name switch
    {
        "--runs" when numbers is [> 0 and var runs] => this with { Runs = runs },
        "--seconds" when numbers is [> 0 and var seconds] => this with { Seconds = seconds },
        "--idle" when numbers is [var idle] => this with { IdleSeconds = idle },
        "--settle" when numbers is [var settle] => this with { SettleMilliseconds = settle },
        "--latency" when numbers is [var latency] => this with { LatencyMilliseconds = latency },
        "--nodes" when numbers is [0] && Benchmark is Benchmark.Standard or Benchmark.Join => this with { Nodes = [] },
        "--nodes" when !numbers.Contains(0) => this with { Nodes = numbers },
        _ => null,
    };

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
