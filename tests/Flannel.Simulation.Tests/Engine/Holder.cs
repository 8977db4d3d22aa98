using Flannel.AliVpc;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>Who holds a subnet, by the value of its key.</summary>
/// <param name="Instance">Null where the value names none: a reservation, or a node of upstream flannel.</param>
internal sealed record Holder(Ipv4Address PublicIp, string? Instance)
{
    /// <summary>Null for a value that is not a lease.</summary>
    public static Holder? Of(KeyValue pair) => LeaseAttributes.Parse(pair.Value.Span, out _) is { } attributes
        ? new Holder(attributes.PublicIp, AliVpcBackendData.Parse(attributes.BackendData)?.InstanceId)
        : null;

    public bool Is(Machine machine) => Instance is null ? PublicIp == machine.PublicIp : Instance == machine.Instance;
}
