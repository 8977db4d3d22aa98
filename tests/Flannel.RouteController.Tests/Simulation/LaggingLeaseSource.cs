using Flannel.Core.Leases;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Simulation;

/// <summary>The leases as a controller receives them: with a delay, as over a slow network or from an etcd member that lags.</summary>
internal sealed class LaggingLeaseSource(VirtualTime time, InMemoryLeases leases, Func<TimeSpan> lag) : ILeaseSource
{
    private LeaseSnapshot shown = leases.Snapshot;
    private TaskCompletionSource changed = new();

    /// <summary>Never ends.</summary>
    public async void Follow()
    {
        while (true)
        {
            await leases.ChangedAfterAsync(shown.Generation, CancellationToken.None);
            await time.Pass(lag());
            shown = leases.Snapshot;
            var waiting = changed;
            changed = new TaskCompletionSource();
            waiting.TrySetResult();
        }
    }

    /// <summary>Nothing to do: <see cref="Follow"/> serves all terms.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);

    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) => new(shown);

    public async Task ChangedAfterAsync(long generation, CancellationToken cancellation)
    {
        while (shown.Generation == generation) await changed.Task.WaitAsync(cancellation);
    }
}
