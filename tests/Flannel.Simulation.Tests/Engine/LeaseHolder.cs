using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.RouteController.Planning;
using Mvccpb;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>The holder of a subnet by the value of its key.</summary>
/// <param name="Instance">Null for a reservation or a node of upstream flannel, whose values name no instance.</param>
internal sealed record LeaseHolder(Ipv4Address PublicIp, string? Instance)
{
    /// <summary>Null for a value that is not a lease.</summary>
    public static LeaseHolder? Of(KeyValue pair) => LeaseAttributes.Parse(pair.Value.Span) is { Ok: true, Value: var attributes }
        ? new LeaseHolder(attributes.PublicIp, AliVpcBackendData.Parse(attributes.BackendData)?.InstanceId)
        : null;

    public bool Is(Machine machine) => Instance is null ? PublicIp == machine.PublicIp : Instance == machine.Instance;

    /// <summary>Whether the machine finds the lease at its start: its own, or that of a released instance with its current
    /// address.</summary>
    public bool IsFoundBy(Machine machine) => Is(machine) || (PublicIp == machine.PublicIp && MayBeTakenOverBy(machine));

    /// <summary>Whether the machine may change or delete the lease: its own, or that of a released instance that it replaces.</summary>
    public bool MayBeTakenOverBy(Machine machine)
    {
        for (var former = machine; former is not null; former = former.Replaces)
        {
            if (Is(former)) return true;
        }

        return false;
    }
}
