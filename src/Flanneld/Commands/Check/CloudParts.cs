using Flannel.AliCloud.Http;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Clients;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>The parts of the check that call the cloud, each with its time limit.</summary>
/// <param name="addPart">Adds a part at the end of the report.</param>
internal sealed class CloudParts(
    CloudAccess cloud, AliVpcBackendConfig backend, DaemonOptions options, ClientContext context,
    Func<CheckKind, TimeSpan, CheckPart> addPart)
{
    /// <param name="self">This node; null if its identity is not known.</param>
    public async Task RunAsync(AliVpcBackendData? self, CheckedCluster cluster, CancellationToken cancellation)
    {
        if (self is null)
        {
            var alone = addPart(CheckKind.Credentials, CheckLimits.Credentials);
            await Progress.RunAsync("the credentials", CheckCredentialsAsync(alone, isMetadataAvailable: false, cancellation));
            addPart(CheckKind.Cloud, CheckLimits.Host).Section.Add(CheckResult.Note(
                CheckKind.Cloud,
                "endpoints, permissions, route table, quota and ranges are not checked: this instance's identity is unknown"));
            return;
        }

        var endpoints = addPart(CheckKind.VpcEndpoint, CheckLimits.Endpoints);
        var credentials = addPart(CheckKind.Credentials, CheckLimits.Credentials);
        var permissions = addPart(CheckKind.RamPermissions, CheckLimits.Permissions);
        var routes = addPart(CheckKind.LeasesAndRoutes, CheckLimits.Routes);
        var reaching = endpoints.RunAsync<EndpointCheckResult>(
            async (results, stop) => await NewCheck(results).CheckEndpointsAsync(self, stop), cancellation);
        var explaining = CheckCredentialsAsync(credentials, isMetadataAvailable: true, cancellation);
        await Progress.RunAsync("the endpoints and the credentials", Task.WhenAll(reaching, explaining));
        var isReached = (await reaching)?.IsReachable == true;
        var checking = permissions.RunAsync<PermissionCheck>(
            (results, stop) => NewCheck(results).CheckPermissionsAsync(self, cluster.Config, isReached, stop), cancellation);
        var permitted = await Progress.RunAsync("the cloud's API: permissions", checking);
        if (permitted is null || cluster is not { Leases: { } leases, Config: not null }) return;
        var comparing = routes.RunAsync(
            (results, stop) => new RoutesCheck(cloud, backend, results, context, options.IsKubeSubnetManager)
                .RunAsync(leases, cluster, VpcId.Of(self), stop),
            cancellation);
        await Progress.RunAsync("the cloud's API: route tables", comparing);
    }

    private Task CheckCredentialsAsync(CheckPart part, bool isMetadataAvailable, CancellationToken cancellation) =>
        part.RunAsync((results, stop) => NewCheck(results, isMetadataAvailable).CheckCredentialsAsync(stop), cancellation);

    private CloudCheck NewCheck(CheckSection results, bool isMetadataAvailable = true) =>
        new(cloud, backend, results, context.Time) { IsVerbose = options.Verbosity > 0, IsMetadataAvailable = isMetadataAvailable };
}
