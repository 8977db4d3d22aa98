namespace Flannel.AliCloud.Ecs;

public sealed record InterfaceFacts(string NetworkInterfaceId, string? InstanceId, bool? SourceDestCheck);
