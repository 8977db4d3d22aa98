using Flannel.AliCloud.Metadata;
using Flanneld.Host.Interfaces;

namespace Flanneld.Commands.Check;

/// <summary>Checks the metadata service and the identity that it reports.</summary>
internal sealed class MetadataCheck(MetadataClient metadata, CheckSection results)
{
    /// <param name="selected">Null without an interface: then the identity cannot be read.</param>
    /// <returns>Null when the identity is unknown.</returns>
    public async Task<InstanceIdentity?> RunAsync(SelectedInterface? selected, CancellationToken cancellation)
    {
        if (selected is null)
        {
            await CheckServiceAsync(cancellation);
            return null;
        }

        switch (await new InstanceIdentityReader(metadata).ReadAsync(selected.Interface.Mac, cancellation))
        {
            case InstanceIdentityResult.Identity { Value: var identity }:
                results.Add(Available());
                results.Add(CheckResult.Ok(
                    CheckKind.Identity,
                    $"{identity.InstanceId} in {identity.ZoneId}, {identity.VpcId}, {identity.VSwitchId},"
                    + $" {identity.NetworkInterfaceId} ({(identity.PrimaryInterface ? "primary" : "secondary")})"));
                return identity;
            case InstanceIdentityResult.NoSuchInterface none:
                results.Add(CheckResult.Problem(CheckKind.Identity, none.Reason, "choose another interface with --iface"));
                return null;
            case InstanceIdentityResult.NotAnEcsInstance not:
                results.Add(NoInstance(not.Reason));
                return null;
            case InstanceIdentityResult.Unreachable unreachable:
                results.Add(Unavailable(unreachable.Reason));
                return null;
            default:
                return null;
        }
    }

    private async Task CheckServiceAsync(CancellationToken cancellation) => results.Add(
        await metadata.GetAsync("meta-data/instance-id", cancellation) switch
        {
            MetadataResult.Found => Available(),
            MetadataResult.Unreachable unreachable => Unavailable(unreachable.Reason),
            MetadataResult.Failed failed => Unavailable(failed.Reason),
            _ => NoInstance($"{metadata.Endpoint} reports no instance id"),
        });

    private CheckResult Available() => CheckResult.Ok(CheckKind.Metadata, $"{metadata.Endpoint} answers, {metadata.Mode}");

    private static CheckResult Unavailable(string line) =>
        CheckResult.Problem(
            CheckKind.Metadata, line, "let this host connect to it directly: no proxy, and no firewall rule that blocks it");

    private static CheckResult NoInstance(string line) =>
        CheckResult.Problem(
            CheckKind.Metadata, line,
            "backend ali-vpc requires an ECS instance; there, switch the metadata service on"
            + " (ECS console, the instance, metadata options)");
}
