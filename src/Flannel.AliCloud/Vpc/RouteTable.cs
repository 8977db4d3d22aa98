namespace Flannel.AliCloud.Vpc;

/// <param name="Kind"><c>System</c> or <c>Custom</c>.</param>
/// <param name="IsGateway">AssociateType Gateway: not a table that serves vSwitches; left alone.</param>
public sealed record RouteTable(string RouteTableId, string VpcId, string Kind, bool IsGateway, IReadOnlyList<string> VSwitchIds);
