namespace Flannel.AliCloud.Quotas;

/// <param name="Total">Custom entries per route table.</param>
/// <param name="IsAdjustable">Whether more can be asked for.</param>
public sealed record RouteEntryQuota(int Total, bool IsAdjustable)
{
    /// <summary>What a request for more names, with the product vpc.</summary>
    public const string Code = "vpc_quota_route_entrys_num";

    /// <summary>What an account has that never asked for more (VPC's table of quotas).</summary>
    public const int Default = 200;
}
