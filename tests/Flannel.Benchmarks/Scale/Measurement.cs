using Flannel.RouteController.Tests.Scale;
using Flannel.RouteController.Tests.Support;

namespace Flannel.Benchmarks.Scale;

/// <summary>What something cost.</summary>
/// <param name="Cpu">Of the process, with the garbage collections.</param>
/// <param name="Bytes">Allocated by all threads.</param>
internal sealed record Cost(TimeSpan Cpu, long Bytes)
{
    public long Passes { get; init; }

    /// <summary>Pages of entries.</summary>
    public long Pages { get; init; }

    public long OtherCalls { get; init; }

    /// <summary>Virtual time; zero where there is none.</summary>
    public TimeSpan Time { get; init; }

    public Cost DividedBy(int count) => new(Cpu / count, Bytes / count)
    {
        Passes = Passes / count,
        Pages = Pages / count,
        OtherCalls = OtherCalls / count,
        Time = Time / count,
    };

    /// <summary>With the processor time and the bytes of another cost, as often as given.</summary>
    public Cost Plus(Cost other, double times) => this with { Cpu = Cpu + other.Cpu * times, Bytes = Bytes + (long)(other.Bytes * times) };
}

/// <summary>One measurement, from its creation to <see cref="End"/>.</summary>
internal sealed class Measurement
{
    private readonly TimeSpan cpu;
    private readonly long bytes;

    private Measurement()
    {
        // The objects of before are collected now, and do not count.
        GC.Collect();
        cpu = Environment.CpuUsage.TotalTime;
        bytes = GC.GetTotalAllocatedBytes(precise: true);
    }

    public static Measurement Begin() => new();

    public static async Task<Cost> OfAsync(ScaleCluster cluster, VirtualTime time, Func<Task> action)
    {
        var (passes, pages, calls, began) = (cluster.Passes, cluster.Cloud.Pages, cluster.Cloud.OtherCalls, time.Elapsed);
        var measurement = Begin();
        await action();
        return measurement.End() with
        {
            Passes = cluster.Passes - passes,
            Pages = cluster.Cloud.Pages - pages,
            OtherCalls = cluster.Cloud.OtherCalls - calls,
            Time = time.Elapsed - began,
        };
    }

    public Cost End() => new(Environment.CpuUsage.TotalTime - cpu, GC.GetTotalAllocatedBytes(precise: true) - bytes);
}
