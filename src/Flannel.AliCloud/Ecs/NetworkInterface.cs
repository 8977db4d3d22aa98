namespace Flannel.AliCloud.Ecs;

/// <summary>An elastic network interface (ENI).</summary>
/// <param name="SourceDestCheck">Null if the API does not return it.</param>
public sealed record NetworkInterface(string NetworkInterfaceId, bool? SourceDestCheck);
