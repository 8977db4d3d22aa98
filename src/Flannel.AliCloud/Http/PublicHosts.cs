namespace Flannel.AliCloud.Http;

/// <summary>The regions whose public hosts do not have the form <c>product.region.aliyuncs.com</c>.</summary>
/// <remarks>Source: the endpoint maps of alibabacloud-go/vpc-20160428 (v7.2.5), ecs-20140526 and sts-20150401, without regions that only
/// Alibaba uses (tests, single clusters). The VPC-internal hosts of all regions have the regular form.</remarks>
internal static class PublicHosts
{
    private const string Vpc = "vpc.aliyuncs.com";
    private const string Ecs = "ecs.aliyuncs.com";
    private const string EcsHangzhou = "ecs-cn-hangzhou.aliyuncs.com";
    private const string Sts = "sts.aliyuncs.com";
    private const string NebulaVpc = "vpc-nebula.cn-qingdao-nebula.aliyuncs.com";
    private const string NebulaEcs = "ecs.cn-qingdao-nebula.aliyuncs.com";

    /// <summary>Region, VPC, ECS, STS; null for a host of the regular form.</summary>
    private static readonly string?[][] Rows =
    [
        ["cn-hangzhou", Vpc, EcsHangzhou, null],
        ["cn-shanghai-finance-1", Vpc, EcsHangzhou, null],
        // STS of these two regions has no public host.
        ["cn-shenzhen-finance-1", Vpc, EcsHangzhou, "sts-vpc.cn-shenzhen-finance-1.aliyuncs.com"],
        ["cn-north-2-gov-1", Vpc, Ecs, "sts-vpc.cn-north-2-gov-1.aliyuncs.com"],
        ["cn-beijing-finance-1", null, null, Sts],
        ["cn-beijing-gov-1", Vpc, Ecs, Sts],
        ["cn-hangzhou-finance", Vpc, Ecs, Sts],
        ["cn-beijing-finance-pop", Vpc, Ecs, Sts],
        ["cn-hongkong-finance-pop", Vpc, Ecs, Sts],
        ["ap-northeast-2-pop", Vpc, Ecs, Sts],
        ["rus-west-1-pop", Vpc, Ecs, Sts],
        ["cn-fujian", Vpc, EcsHangzhou, Sts],
        ["cn-wuhan", Vpc, Ecs, Sts],
        ["cn-yushanfang", Vpc, Ecs, Sts],
        ["cn-zhangbei", Vpc, Ecs, Sts],
        ["cn-edge-1", NebulaVpc, NebulaEcs, Sts],
        ["cn-qingdao-nebula", NebulaVpc, null, Sts],
        ["cn-huhehaote-nebula-1", NebulaVpc, NebulaEcs, Sts],
        ["cn-zhengzhou-nebula-1", NebulaVpc, NebulaEcs, Sts],
        ["eu-west-1-oxs", "vpc-nebula.cn-shenzhen-cloudstone.aliyuncs.com", "ecs.cn-shenzhen-cloudstone.aliyuncs.com", Sts],
    ];

    /// <returns>Null for a host of the regular form.</returns>
    public static string? Find(CloudService service, string regionId)
    {
        foreach (var row in Rows)
            if (row[0] == regionId) return row[service switch { CloudService.Vpc => 1, CloudService.Ecs => 2, _ => 3 }];
        return null;
    }
}
