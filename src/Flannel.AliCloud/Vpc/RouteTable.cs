namespace Flannel.AliCloud.Vpc;

/// <param name="IsGateway">True for AssociateType Gateway: such a table serves no vSwitches.</param>
/// <param name="VSwitchIds">The vSwitches that a custom table serves.</param>
public sealed record RouteTable(string RouteTableId, string VpcId, bool IsGateway, IReadOnlyList<string> VSwitchIds);
