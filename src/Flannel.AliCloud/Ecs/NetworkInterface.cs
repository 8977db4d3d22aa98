namespace Flannel.AliCloud.Ecs;

/// <summary>An elastic network interface (ENI).</summary>
/// <param name="InstanceId">Null if the interface is attached to no instance.</param>
/// <param name="SourceDestCheck">Null if the API does not return it.</param>
public sealed record NetworkInterface(string NetworkInterfaceId, string? InstanceId, bool? SourceDestCheck);
