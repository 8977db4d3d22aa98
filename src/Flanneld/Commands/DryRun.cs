using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Inventory;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands;

/// <summary><c>flanneld --dry-run</c>: prints what a route controller would do, and ends.</summary>
internal sealed class DryRun(DaemonOptions options, Connections connections, ILogger logger)
{
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        SubnetState state;
        ClusterIdResult cluster;
        try
        {
            state = await connections.Subnets.ReadAsync(cancellation);
            cluster = await ClusterStore.ReadAsync(connections.Etcd, options.EtcdKeys, cancellation);
        }
        catch (EtcdException e)
        {
            return Result.Failure($"etcd: {e.Message}");
        }

        var backend = BackendFactory.CreateAliVpc(state.Config, options.EtcdKeys.Config.ToStringUtf8());
        if (!backend.Ok) return Result.Failure(backend.Error);
        using var cloud = connections.OpenCloud(backend.Value.Config);
        var plan = await RouteDryRun.RunAsync(
                state.ToSnapshot(), (cluster as ClusterIdResult.Known)?.Id, backend.Value.Config.RouteTableIds,
                cloud.Api, logger, cancellation);
        await Console.Out.WriteAsync(plan.Text);
        return plan.Complete ? Unit.Instance : Result.Failure("the plan is incomplete: some objects could not be read, see above");
    }
}
