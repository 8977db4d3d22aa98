using Etcdserverpb;
using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Client;

public sealed class EndpointSelectorTests
{
    // Less than the limit for an answer, which runs on this time too.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static RangeRequest Who { get; } = new() { Key = ByteString.CopyFromUtf8("/who") };

    [Fact]
    public void Nodes_spread_evenly_over_the_members_also_after_one_was_unavailable()
    {
        const int nodes = 3000;
        // Seed 3: only evenness within a tenth is asked for.
        var random = new Random(3);
        var all = Enumerable.Range(0, nodes).Select(_ => new EndpointSelector(3, time, random)).ToList();
        Assert.All(Spread(all), count => Assert.InRange(count, 900, 1100));
        foreach (var node in all) node.Leave(0);
        Assert.Equal(0, Spread(all)[0]);
        var at = new List<int>();
        for (var seconds = 0; seconds < 180; seconds += 10)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            var before = Spread(all)[0];
            foreach (var node in all)
            {
                if (node.MustProbePreferred(out _)) node.Probed(isAvailable: true);
            }

            at.Add(Spread(all)[0] - before);
        }

        Assert.All(Spread(all), count => Assert.InRange(count, 900, 1100));
        Assert.True(at.Max() < nodes / 3 / 3, $"they come back spread over time, not at once: {string.Join(' ', at)}");
    }

    [Fact]
    public void A_preferred_member_that_stays_unavailable_is_probed_less_and_less_often()
    {
        var selector = new EndpointSelector(2, time, new Random(3));
        var home = selector.Current;
        selector.Leave(home);
        Assert.False(selector.MustProbePreferred(out _));
        var asked = 0;
        for (var minute = 0; minute < 24 * 60; minute++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            if (!selector.MustProbePreferred(out var member)) continue;
            Assert.Equal(home, member);
            Assert.False(selector.MustProbePreferred(out _));
            asked++;
            selector.Probed(isAvailable: false);
        }

        Assert.InRange(asked, 24 * 4, 24 * 8 + 5);
        Assert.NotEqual(home, selector.Current);
    }

    [Fact]
    public void A_cluster_of_one_member_has_no_other()
    {
        var selector = new EndpointSelector(1, time, new Random(3));
        selector.Leave(0);
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(0, selector.Current);
        Assert.False(selector.MustProbePreferred(out _));
    }

    [Fact]
    public async Task Requests_and_watches_return_to_a_preferred_member_that_has_recovered()
    {
        await using var home = await EtcdProcess.StartAsync();
        await using var other = await EtcdProcess.StartAsync();
        await home.ControlAsync("put", "/who", "home");
        await other.ControlAsync("put", "/who", "other");
        var logger = new RecordingLogger();
        var etcd = home.Connect(logger, $"{home.Endpoint},{other.Endpoint}", time: time);
        Assert.Equal("home", await WhoAsync(etcd));
        await home.KillAsync();
        Assert.Equal("other", await WhoAsync(etcd));
        var watching = WatchAsync(etcd);
        await home.StartAgainAsync();
        // Not at once: nodes that came here together must not go back together.
        Assert.Equal("other", await WhoAsync(etcd));
        await Eventually.IsAsync("requests go home", async () =>
        {
            time.Advance(Step);
            return await WhoAsync(etcd) == "home";
        });
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch goes home, too", watching));
        Assert.True(error.CanRecover);
        Assert.Contains("which has recovered", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, logger.Count(2000));
    }

    [Fact]
    public async Task A_silent_watch_returns_to_a_preferred_member_that_has_recovered()
    {
        await using var home = await EtcdProcess.StartAsync();
        await using var other = await EtcdProcess.StartAsync();
        await home.KillAsync();
        var etcd = other.Connect(endpoints: $"{home.Endpoint},{other.Endpoint}", time: time);
        var opened = new TaskCompletionSource();
        var watching = WatchAsync(etcd, opened);
        await Eventually.WithinAsync("the watch is open", opened.Task);
        await home.StartAgainAsync();
        var error = await Assert.ThrowsAsync<EtcdException>(() => Eventually.WithinAsync("the watch goes home", PassTimeAsync(watching)));
        Assert.Contains("which has recovered", error.Message, StringComparison.Ordinal);
    }

    private async Task PassTimeAsync(Task until)
    {
        while (await Task.WhenAny(until, Task.Delay(50, Cancel)) != until) time.Advance(Step);
        await until;
    }

    private static async Task WatchAsync(EtcdConnection etcd, TaskCompletionSource? opened = null)
    {
        await foreach (var answer in etcd.WatchAsync([new WatchCreateRequest { Key = Who.Key }], Cancel))
        {
            if (answer.Created) opened?.TrySetResult();
        }
    }

    private static async Task<string> WhoAsync(EtcdConnection etcd) => (await etcd.RangeAsync(Who, Cancel)).Kvs[0].Value.ToStringUtf8();

    private static int[] Spread(IReadOnlyList<EndpointSelector> nodes) =>
        [.. Enumerable.Range(0, 3).Select(member => nodes.Count(node => node.Current == member))];
}
