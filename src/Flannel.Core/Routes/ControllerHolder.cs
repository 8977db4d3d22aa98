namespace Flannel.Core.Routes;

/// <summary>The node that is elected as route controller.</summary>
public sealed record ControllerHolder(string InstanceId, string PublicIp);
