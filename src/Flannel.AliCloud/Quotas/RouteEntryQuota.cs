namespace Flannel.AliCloud.Quotas;

/// <summary>The quota of custom entries in a route table.</summary>
/// <param name="Total">Custom entries per route table.</param>
public sealed record RouteEntryQuota(int Total)
{
    /// <summary>The id of the quota (product vpc), which a request for an increase names.</summary>
    public const string Code = "vpc_quota_route_entrys_num";

    /// <summary>The quota of an account that never requested more (VPC documentation, quotas).</summary>
    public const int Default = 200;

    /// <summary>Larger values are invalid responses.</summary>
    internal const int MaxTotal = 1_000_000;
}
