using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.RouteController.Planning;
using Flanneld.Clients;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary>The VPC of the instance that a command runs on.</summary>
internal static class OwnVpc
{
    /// <returns>Fails with one line on a host that is not an ECS instance, and if the metadata service is unavailable.</returns>
    public static async Task<Result<VpcId>> ReadAsync(DaemonOptions options, Connections connections, CancellationToken cancellation)
    {
        var selected = InterfaceSelection.OfThisHost().Select(options);
        if (!selected.Ok) return Result.Failure(selected.Error);
        var reader = new InstanceIdentityReader(connections.Metadata);
        return await reader.ReadAsync(selected.Value.Interface.Mac, cancellation) switch
        {
            InstanceIdentityResult.Identity { Value: var self } => new VpcId(self.RegionId, self.VpcId),
            InstanceIdentityResult.NoSuchInterface none => Result.Failure(none.Reason),
            InstanceIdentityResult.NotAnEcsInstance not => Result.Failure(not.Reason),
            InstanceIdentityResult.Unreachable unreachable => Result.Failure(unreachable.Reason),
            _ => Result.Failure("the metadata service is unavailable"),
        };
    }
}
