namespace Flannel.Benchmarks;

/// <summary>What <c>./build.sh bench</c> measures.</summary>
internal enum Benchmark
{
    /// <summary>Without a name: size, start-up, memory, API calls.</summary>
    Standard,

    Join,

    Start,

    EtcdLoad,

    Scale,

    Failover,

    Datapath,

    Cluster,
}
