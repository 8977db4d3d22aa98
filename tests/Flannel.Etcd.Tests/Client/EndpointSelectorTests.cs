using Etcdserverpb;
using Flannel.AliCloud.Tests.Support;
using Flannel.Etcd.Client;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;

namespace Flannel.Etcd.Tests.Client;

public sealed class EndpointSelectorTests
{
    // Less than the time-out of a request, which uses this time, too.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    private readonly ObservableTime time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static RangeRequest Name { get; } = new() { Key = ByteString.CopyFromUtf8("/name") };

    [Fact]
    public void Nodes_spread_evenly_over_the_members_also_after_one_was_unavailable()
    {
        const int nodes = 3000;
        // A fixed seed: the counts may differ by a tenth.
        var random = new Random(3);
        var all = Enumerable.Range(0, nodes).Select(_ => new EndpointSelector(3, time, random)).ToList();
        Assert.All(Spread(all), count => Assert.InRange(count, 900, 1100));
        foreach (var node in all) node.ReportFailure(0);
        Assert.Equal(0, Spread(all)[0]);
        var returned = new List<int>();
        for (var seconds = 0; seconds < 180; seconds += 10)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            var before = Spread(all)[0];
            foreach (var node in all)
            {
                if (node.BeginProbe() is not null) node.EndProbe(isAvailable: true);
            }

            returned.Add(Spread(all)[0] - before);
        }

        Assert.All(Spread(all), count => Assert.InRange(count, 900, 1100));
        Assert.True(returned.Max() < nodes / 3 / 3, $"the nodes return at different times: {string.Join(' ', returned)}");
    }

    [Fact]
    public void A_preferred_member_that_stays_unavailable_is_probed_less_and_less_often()
    {
        var selector = new EndpointSelector(2, time, new Random(3));
        var preferred = selector.Current;
        selector.ReportFailure(preferred);
        Assert.Null(selector.BeginProbe());
        var probes = 0;
        for (var minute = 0; minute < 24 * 60; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            if (selector.BeginProbe() is not { } member) continue;
            Assert.Equal(preferred, member);
            Assert.Null(selector.BeginProbe());
            probes++;
            selector.EndProbe(isAvailable: false);
        }

        Assert.InRange(probes, 24 * 4, 24 * 8 + 5);
        Assert.NotEqual(preferred, selector.Current);
    }

    [Fact]
    public void A_cluster_of_one_member_has_no_other()
    {
        var selector = new EndpointSelector(1, time, new Random(3));
        selector.ReportFailure(0);
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, selector.Current);
        Assert.Null(selector.BeginProbe());
    }

    [Fact]
    public async Task Requests_and_watches_return_to_a_preferred_member_that_has_recovered()
    {
        await using var preferred = await EtcdProcess.StartAsync();
        await using var other = await EtcdProcess.StartAsync();
        await preferred.ControlAsync("put", "/name", "preferred");
        await other.ControlAsync("put", "/name", "other");
        var logger = new RecordingLogger();
        var etcd = preferred.Connect(logger, $"{preferred.Endpoint},{other.Endpoint}", time: time);
        Assert.Equal("preferred", await ReadNameAsync(etcd));
        await preferred.KillAsync();
        Assert.Equal("other", await ReadNameAsync(etcd));
        var opened = new TaskCompletionSource();
        var watching = WatchAsync(etcd, opened);
        await Eventually.WithinAsync("the watch is open", opened.Task);
        await preferred.StartAgainAsync();
        // Not at once: nodes that left their preferred member together must not return together.
        Assert.Equal("other", await ReadNameAsync(etcd));
        await Eventually.IsAsync("requests are sent to the preferred member", async () =>
        {
            await AdvanceAsync();
            return await ReadNameAsync(etcd) == "preferred";
        });
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch ends, too", watching));
        Assert.True(error.CanRecover);
        Assert.Contains("which has recovered", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, logger.Count(2000));
    }

    [Fact]
    public async Task A_silent_watch_returns_to_a_preferred_member_that_has_recovered()
    {
        await using var preferred = await EtcdProcess.StartAsync();
        await using var other = await EtcdProcess.StartAsync();
        await preferred.KillAsync();
        var etcd = other.Connect(endpoints: $"{preferred.Endpoint},{other.Endpoint}", time: time);
        var opened = new TaskCompletionSource();
        var watching = WatchAsync(etcd, opened);
        await Eventually.WithinAsync("the watch is open", opened.Task);
        await preferred.StartAgainAsync();
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch ends", PassTimeAsync(watching)));
        Assert.Contains("which has recovered", error.Message, StringComparison.Ordinal);
    }

    private async Task PassTimeAsync(Task until)
    {
        while (await Task.WhenAny(until, Task.Delay(10, Cancel)) != until) await AdvanceAsync();
        await until;
    }

    /// <summary>No request and no probe of a watch may time out because the machine is busy.</summary>
    private Task AdvanceAsync() => time.AdvanceWithoutAsync(Step, EtcdDurations.Connect, EtcdDurations.Call, EtcdDurations.WatchProbe);

    private static async Task WatchAsync(EtcdConnection etcd, TaskCompletionSource opened)
    {
        await foreach (var response in etcd.WatchAsync([new WatchCreateRequest { Key = Name.Key }], Cancel))
        {
            if (response.Created) opened.TrySetResult();
        }
    }

    private static async Task<string> ReadNameAsync(EtcdConnection etcd) =>
        (await etcd.RangeAsync(Name, Cancel)).Kvs[0].Value.ToStringUtf8();

    private static int[] Spread(IReadOnlyList<EndpointSelector> nodes) =>
        [.. Enumerable.Range(0, 3).Select(member => nodes.Count(node => node.Current == member))];
}
