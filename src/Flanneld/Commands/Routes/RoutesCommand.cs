using Flannel.Core;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Commands.Routes;

/// <summary><c>flanneld routes</c>: whether the route tables have an entry for each lease, and every entry inside the network with its
/// owner.</summary>
internal sealed class RoutesCommand(RouteCommandContext context)
{
    /// <returns>Success when each lease that needs a route has one that is available. With <c>--watch</c>, when it is ended.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var options = context.Options;
        if (options.HasRouteSelection)
        {
            await Console.Error.WriteLineAsync($"flanneld routes: deprecated flag: use '{ComposeNewForm(options)}'");
            return await new RouteCleaning(context).RunWithoutAskingAsync(cancellation);
        }

        if (options.IsWatch) return await new RouteWatch(context).RunAsync(cancellation);
        var reading = new RouteListReader(context).ReadAsync(cancellation);
        var list = await Progress.RunAsync($"{context.Connections.Store.Description} and the VPC API", reading);
        if (!list.Ok) return Result.Failure(list.Error);
        await list.Value.ToDocument().PrintAsync(options);
        return list.Value.FindProblem() is { } problem ? Result.Failure(problem) : Unit.Instance;
    }

    private static string ComposeNewForm(DaemonOptions options) => "flanneld routes clean"
        + (options.RemoveUnmanaged ? " --unmanaged" : "") + (options.DeleteStale ? " --stale" : "")
        + (options.RemoveRoutesOf is { } mark ? $" --of {mark}" : "") + " --yes";
}
