using Flannel.Etcd.Model;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>A registry in a model of etcd, at a time that only the test advances.</summary>
public sealed class ModelRegistry
{
    public ModelRegistry(FakeTimeProvider? time = null)
    {
        Time = time ?? new FakeTimeProvider();
        Etcd = new ModelEtcd(Time);
        Fixture = new RegistryFixture(Etcd, time: Time);
    }

    public FakeTimeProvider Time { get; }

    public ModelEtcd Etcd { get; }

    public RegistryFixture Fixture { get; }

    /// <summary>Advances the time, and gives the code that waits for it an opportunity to run.</summary>
    public async Task AdvanceAsync(TimeSpan step)
    {
        Time.Advance(step);
        Etcd.Tick();
        await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    public Task AdvanceUntilAsync(Func<bool> condition, TimeSpan? step = null) =>
        AdvanceUntilAsync(() => Task.FromResult(condition()), step);

    /// <param name="step">By which the time is advanced until the condition is true; null for 500 ms.</param>
    public Task AdvanceUntilAsync(Func<Task<bool>> condition, TimeSpan? step = null) =>
        Eventually.IsAsync("the condition is true", async () =>
        {
            if (await condition()) return true;
            await AdvanceAsync(step ?? TimeSpan.FromMilliseconds(500));
            return await condition();
        });
}
