namespace Flannel.AliCloud.Vpc;

public sealed record VpcFacts(
    string VpcId, string CidrBlock, IReadOnlyList<string> SecondaryCidrBlocks, IReadOnlyList<string> UserCidrs);

public sealed record VSwitchFacts(string VSwitchId, string VpcId, string CidrBlock, string RouteTableId);
