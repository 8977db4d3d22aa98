using Flannel.Core;
using Flanneld.Commands.Output;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.Routes;

/// <summary><c>flanneld routes --watch</c>: prints the routes again on every change until it is ended. The leases and the route statuses
/// are watched in etcd. The route tables cannot be watched, and are read again at intervals.</summary>
internal sealed class RouteWatch(RouteCommandContext context)
{
    private const string ClearScreen = "\e[H\e[2J";

    /// <summary>The route tables are not read more often, whatever changes.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(5);

    /// <summary>Between reads without a change in etcd.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan OutputCheckInterval = TimeSpan.FromSeconds(1);

    private readonly ObservableValue<long> changes = new(0);
    private readonly Backoff backoff = new(Interval, LongestPause, context.Random);
    private string last = "";

    /// <returns>Success when it is ended by a signal, and when its output is no longer read.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        List<Task> running =
        [
            FollowAsync(context.Connections.Subnets.WatchLeasesAsync(ending.Token)),
            FollowAsync(context.Connections.Subnets.WatchRouteStatusesAsync(ending.Token)),
            PrintChangesAsync(ending.Token),
            WaitForUnreadOutputAsync(ending.Token),
        ];
        try
        {
            // Each of them ends only by cancellation, when the output is no longer read, or by an error that ends the command.
            await await Task.WhenAny(running);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how a watch ends.
        }
        finally
        {
            ending.Cancel();
            foreach (var task in running) await task.ConfigureAwait(TaskWait.IgnoringFailure);
        }

        return Unit.Instance;
    }

    private async Task WaitForUnreadOutputAsync(CancellationToken cancellation)
    {
        while (!StandardStreams.IsOutputUnread()) await Task.Delay(OutputCheckInterval, context.Time, cancellation);
    }

    private async Task FollowAsync<T>(IAsyncEnumerable<T> snapshots) where T : class
    {
        await foreach (var _ in snapshots) changes.Set(changes.Current + 1);
    }

    private async Task PrintChangesAsync(CancellationToken cancellation)
    {
        var reader = new RouteListReader(context);
        while (true)
        {
            var changed = changes.Changed;
            var list = await reader.ReadAsync(cancellation);
            if (!list.Ok)
            {
                await PrintOnceAsync(list.Error, () => Console.Error.WriteLineAsync($"flanneld routes: {list.Error}"));
                await Task.Delay(backoff.Next(), context.Time, cancellation);
                continue;
            }

            var document = list.Value.ToDocument();
            await PrintOnceAsync(document.ToJsonLine(), () => PrintAsync(document));
            if (list.Value.Listing is { IsComplete: false } listing)
            {
                await Task.Delay(backoff.Next(listing.RetryAfter), context.Time, cancellation);
                continue;
            }

            backoff.Reset();
            await Task.Delay(ShortestPause * (1 + context.Random.NextDouble() / 5), context.Time, cancellation);
            await TaskWait.WaitAsync(changed, Interval - ShortestPause, context.Time, cancellation);
        }
    }

    private async Task PrintOnceAsync(string content, Func<Task> print)
    {
        if (content == last) return;
        last = content;
        await print();
    }

    /// <summary>JSON: one document for each line. YAML: documents that end with <c>---</c>. A table replaces the one before on a terminal;
    /// elsewhere it follows it, after a line with the time.</summary>
    private Task PrintAsync(CommandDocument document)
    {
        var options = context.Options;
        if (options.Output == OutputFormat.Json) return Console.Out.WriteLineAsync(document.ToJsonLine());
        if (options.Output == OutputFormat.Yaml) return Console.Out.WriteAsync(document.Format(OutputFormat.Yaml) + "---\n");
        var text = document.Format(options.Output, TextColor.IsEnabled(options.Color));
        var isRedrawn = !Console.IsOutputRedirected && TextColor.IsCapable(Environment.GetEnvironmentVariable("TERM"));
        return Console.Out.WriteAsync($"{(isRedrawn ? ClearScreen : "")}{UtcText.Of(context.Time.GetUtcNow())}\n{text}\n");
    }
}
