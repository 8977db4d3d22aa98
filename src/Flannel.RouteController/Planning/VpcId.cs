namespace Flannel.RouteController.Planning;

/// <summary>Identifies a VPC. Next hops and route tables of one VPC are never used in another.</summary>
public sealed record VpcId(string RegionId, string Id)
{
    public static VpcId Of(AliVpcBackendData node) => new(node.RegionId, node.VpcId);

    public override string ToString() => $"{RegionId}/{Id}";
}
