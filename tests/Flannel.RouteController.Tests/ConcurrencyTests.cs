using Flannel.AliCloud.Http;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Observation;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Tests;

/// <summary>The responses of parallel calls may arrive on several threads. They are processed one at a time, by the loop that made the
/// calls.</summary>
public sealed class ConcurrencyTests
{
    private static readonly VpcId Vpc = new("cn-hangzhou", "vpc-1");

    [Fact]
    public async Task Results_of_parallel_interface_calls_are_processed_one_at_a_time()
    {
        using var stop = new CancellationTokenSource();
        var cloud = new InMemoryCloudApi(TimeProvider.System);
        var ids = Enumerable.Range(1, 40).Select(i => $"eni-{i}").ToList();
        foreach (var id in ids) cloud.SourceDestChecks[id] = true;
        cloud.Faults = call => call.Action == "ModifyNetworkInterfaceAttribute"
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Fatal, "InvalidEniId.NotFound")
            : null;
        var log = new ConcurrencyLogger();
        var checks = new InterfaceChecks(
            new VpcContext(Vpc, cloud, TimeProvider.System, new Random(1), log), new LivenessMonitor(TimeProvider.System), () => { });
        checks.SetInterfaces(ids);
        var loop = checks.RunAsync(stop.Token);
        await Eventually.Is(() => ids.TrueForAll(id => checks.Of(id).IsKnown));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
        Assert.False(log.HasConcurrentCalls);
    }

    [Fact]
    public async Task Parallel_table_reads_do_not_use_the_random_generator_concurrently()
    {
        var cloud = new InMemoryCloudApi(TimeProvider.System)
        {
            Faults = _ => new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "ServiceUnavailable"),
        };
        var random = new ConcurrencyRandom();
        var entries = new VpcEntries(
            new VpcContext(Vpc, cloud, TimeProvider.System, random, new RecordingLogger()), new TableFailures(TimeProvider.System, random),
            () => { });
        entries.SetTables(Enumerable.Range(1, 20).Select(i => $"vtb-{i}"));
        var (count, errors) = await entries.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal((20, 20), (count, errors.Count));
        Assert.False(random.HasConcurrentCalls);
    }

    [Fact]
    public void The_quota_is_applied_by_the_loop_and_not_by_the_thread_that_reads_it() => VirtualTime.Run(async time =>
    {
        var cloud = new InMemoryCloudApi(time) { Quota = 500 };
        var quota = new RouteQuota(new VpcContext(Vpc, cloud, time, new Random(1), new RecordingLogger()));
        quota.Observe("vtb-1", 200, isFull: true);
        await quota.StartReadIfDueAsync(CancellationToken.None);
        await time.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(200, quota.LimitOf("vtb-1"));
        quota.Observe("vtb-1", 200, isFull: false);
        Assert.Equal(500, quota.LimitOf("vtb-1"));
    });

    /// <summary>Detects two concurrent calls. Each call takes 10 ms, so that others can overlap it.</summary>
    private sealed class ConcurrencyLogger : ILogger
    {
        private int running;

        public bool HasConcurrentCalls { get; private set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (Interlocked.Increment(ref running) > 1) HasConcurrentCalls = true;
            Thread.Sleep(10);
            Interlocked.Decrement(ref running);
        }
    }

    private sealed class ConcurrencyRandom : Random
    {
        private int running;

        public bool HasConcurrentCalls { get; private set; }

        public override double NextDouble()
        {
            if (Interlocked.Increment(ref running) > 1) HasConcurrentCalls = true;
            Thread.Sleep(10);
            Interlocked.Decrement(ref running);
            return 0.5;
        }
    }
}
