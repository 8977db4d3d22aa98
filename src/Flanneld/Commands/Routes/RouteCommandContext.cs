using Flannel.Core;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Options;
using Microsoft.Extensions.Logging;

namespace Flanneld.Commands.Routes;

/// <summary>The collaborators of the commands about routes, and what they read first.</summary>
internal sealed record RouteCommandContext(
    DaemonOptions Options, Connections Connections, TimeProvider Time, Random Random, ILogger Logger)
{
    /// <summary>Reads the leases and the id of the cluster, and opens the cloud's API. The caller disposes the result.</summary>
    public async Task<Result<RouteCluster>> OpenAsync(SubnetState state, CancellationToken cancellation)
    {
        var backend = BackendFactory.CreateAliVpc(state.Config, Connections.Subnets.ConfigLocation);
        if (!backend.Ok) return Result.Failure(backend.Error);
        var cluster = await Connections.Store.ReadClusterIdAsync(cancellation);
        if (cluster.IsUnreadable)
        {
            return Result.Failure(
                $"{Connections.Store.ClusterIdLocation} is not the id of a cluster;"
                + " delete it, and the route controller creates a new one");
        }

        var id = cluster.Id;
        var cloud = Connections.OpenCloud(backend.Value.Config);
        var inventory = new RouteInventory(id, backend.Value.Config.RouteTableIds, cloud.Api, Time, Random, Logger);
        return new RouteCluster(((ConfigState.Present)state.Config).Config, state.ToSnapshot(), id, cloud, inventory);
    }

    /// <summary>Null on a host that is not an ECS instance: then only the VPCs of the leases are listed.</summary>
    public async Task<VpcId?> ReadOwnVpcAsync(CancellationToken cancellation) =>
        await OwnVpc.ReadAsync(Options, Connections, cancellation) is { Ok: true, Value: var own } ? own : null;
}

/// <summary>A cluster whose routes can be read.</summary>
/// <param name="Id">Null before the first route controller.</param>
internal sealed record RouteCluster(
    NetworkConfig Config, LeaseSnapshot Leases, ClusterId? Id, CloudAccess Cloud, RouteInventory Inventory) : IDisposable
{
    public void Dispose() => Cloud.Dispose();
}
