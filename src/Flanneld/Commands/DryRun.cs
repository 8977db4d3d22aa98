using Flannel.Core;
using Flannel.RouteController.Inventory;
using Flanneld.Backends;
using Flanneld.Clients;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands;

/// <summary><c>flanneld --dry-run</c>: prints what a route controller would do, and ends.</summary>
internal sealed class DryRun(Connections connections, ILogger logger)
{
    public Task<Result<Unit>> RunAsync(CancellationToken cancellation) => StoreErrors.ToResultAsync(() => PrintPlanAsync(cancellation));

    private async Task<Result<Unit>> PrintPlanAsync(CancellationToken cancellation)
    {
        var state = await connections.Subnets.ReadAsync(cancellation);
        var cluster = await connections.Store.ReadClusterIdAsync(cancellation);
        var backend = BackendFactory.CreateAliVpc(state.Config, connections.Subnets.ConfigLocation);
        if (!backend.Ok) return Result.Failure(backend.Error);
        using var cloud = connections.OpenCloud(backend.Value.Config);
        var plan = await RouteDryRun.RunAsync(
            state.ToSnapshot(), cluster.Id, backend.Value.Config.RouteTableIds, cloud.Api, logger,
            cancellation);
        await Console.Out.WriteAsync(plan.Text);
        return plan.Complete ? Unit.Instance : Result.Failure("the plan is incomplete: some objects could not be read, see above");
    }
}
