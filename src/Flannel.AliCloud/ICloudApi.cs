using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.AliCloud;

/// <summary>The calls of the VPC (2016-04-28), ECS (2014-05-26) and Quotas (2020-05-10) API that flanneld makes. Lists are complete: the
/// implementation reads all pages. A call is one attempt; it is retried only after refreshed credentials, a used nonce or a corrected
/// clock. Thread-safe.</summary>
public interface ICloudApi
{
    Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, RouteEntryQuery query, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>One table of any VPC; an empty list if it does not exist. A RAM policy may allow only this table.</summary>
    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation);

    Task<CloudResult<VSwitchAttributes>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation);

    Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>How many custom entries a route table of the account may hold in the region (GetProductQuota).</summary>
    Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation);

    /// <param name="entries">1 to <see cref="CloudLimits.EntriesPerBatch"/>, all in one VPC.</param>
    Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(
        string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation);

    /// <param name="clientToken">At most 64 ASCII characters. All attempts to create the same entry use the same token.</param>
    Task<CloudResult<Unit>> CreateRouteEntryAsync(
        string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation);

    /// <param name="entries">1 to <see cref="CloudLimits.EntriesPerBatch"/>, all in one VPC.</param>
    Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(
        string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation);

    /// <param name="newNextHop">Null to change only name and description: the API rejects the current next hop.</param>
    Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation);

    /// <summary>Lets the API check a write without doing it (parameter DryRun).</summary>
    /// <param name="entry">For a change: with the new next hop. For a deletion: with the current next hop.</param>
    Task<CloudResult<Unit>> DryRunAsync(RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation);

    /// <param name="networkInterfaceIds">More than <see cref="CloudLimits.InterfacesPerCall"/> take several calls.</param>
    Task<CloudResult<IReadOnlyList<NetworkInterface>>> DescribeNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation);

    /// <summary>Disables the source/destination check of an interface (ModifyNetworkInterfaceAttribute).</summary>
    Task<CloudResult<Unit>> DisableSourceDestCheckAsync(string regionId, string networkInterfaceId, CancellationToken cancellation);
}
