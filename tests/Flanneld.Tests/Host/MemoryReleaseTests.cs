using Flannel.Core;
using Flanneld.Host;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Host;

public sealed class MemoryReleaseTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly ObservableValue<long> passes = new(0);
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource ready = new();
    private int trims;

    public void Dispose() => stop.Dispose();

    [Fact]
    public async Task The_memory_of_the_start_is_given_back_twice_after_the_node_is_ready()
    {
        var running = Start();
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(0, trims);
        ready.SetResult();
        await AdvanceUntilAsync(() => trims == 1);
        await AdvanceUntilAsync(() => trims == 2);
        for (var i = 0; i < 300; i++) time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, trims);
        await StopAsync(running);
    }

    [Fact]
    public async Task A_node_that_waits_for_its_route_gives_back_memory_too()
    {
        var running = Start();
        await AdvanceUntilAsync(() => trims == 1);
        await StopAsync(running);
    }

    [Fact]
    public async Task Each_pass_of_the_route_controller_is_followed_by_one_release()
    {
        ready.SetResult();
        var running = Start();
        await AdvanceUntilAsync(() => trims == 2);
        for (var pass = 1; pass <= 3; pass++)
        {
            passes.Set(pass);
            await AdvanceUntilAsync(() => trims == 2 + pass);
        }

        for (var i = 0; i < 300; i++) time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, trims);
        await StopAsync(running);
    }

    [Fact]
    public async Task Passes_in_quick_succession_cost_one_release()
    {
        ready.SetResult();
        var running = Start();
        await AdvanceUntilAsync(() => trims == 2);
        for (var pass = 1; pass <= 20; pass++) passes.Set(pass);
        await AdvanceUntilAsync(() => trims == 3);
        for (var i = 0; i < 60; i++) time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, trims);
        await StopAsync(running);
    }

    private Task Start() => new MemoryRelease(passes, time)
    {
        Trim = () => trims++,
    }.RunAsync(ready.Task, stop.Token);

    private async Task AdvanceUntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 1000 && !condition(); i++)
        {
            await Task.Delay(1);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(condition());
    }

    private async Task StopAsync(Task running)
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }
}
