using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core;

namespace Flannel.AliCloud;

/// <summary>The calls of the VPC (2016-04-28) and ECS (2014-05-26) API that this program makes. Lists are complete: paging is inside.
/// A call is one attempt, apart from the one repetition after refreshed credentials or a used nonce.</summary>
public interface ICloudApi
{
    Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(string regionId, string routeTableId, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableListAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>One table, whatever its VPC; none when there is no such table. The permission may be limited to it.</summary>
    Task<CloudResult<IReadOnlyList<RouteTable>>> DescribeRouteTableAsync(
        string regionId, string routeTableId, CancellationToken cancellation);

    Task<CloudResult<VSwitchFacts>> DescribeVSwitchAttributesAsync(string regionId, string vSwitchId, CancellationToken cancellation);

    Task<CloudResult<IReadOnlyList<VSwitchFacts>>> DescribeVSwitchesAsync(string regionId, string vpcId, CancellationToken cancellation);

    Task<CloudResult<VpcFacts>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation);

    /// <summary>How many custom entries a route table of the account may hold in the region: quota vpc_quota_route_entrys_num of the Quotas API
    /// (2020-05-10).</summary>
    Task<CloudResult<RouteEntryQuota>> GetRouteEntryQuotaAsync(string regionId, CancellationToken cancellation);

    /// <param name="entries">1 to 50, all in one VPC.</param>
    Task<CloudResult<BatchResult>> CreateRouteEntriesAsync(string regionId, IReadOnlyList<NewRouteEntry> entries, CancellationToken cancellation);

    /// <param name="clientToken">At most 64 ASCII characters; the same for every repetition of the same wish.</param>
    Task<CloudResult<Unit>> CreateRouteEntryAsync(string regionId, NewRouteEntry entry, string clientToken, CancellationToken cancellation);

    /// <param name="entries">1 to 50, all in one VPC.</param>
    Task<CloudResult<BatchResult>> DeleteRouteEntriesAsync(string regionId, IReadOnlyList<RouteEntry> entries, CancellationToken cancellation);

    /// <param name="newNextHop">Null to change name and description alone: the next hop that the entry has already is refused.</param>
    Task<CloudResult<Unit>> ModifyRouteEntryAsync(
        string regionId, RouteEntry entry, NextHop? newNextHop, string name, string description, CancellationToken cancellation);

    /// <summary>What the API would say to a write, by its own dry run: writes nothing. An entry that is to be changed or deleted is named by table, destination and next
    /// hop: of a change the new one, of a deletion the one that it has.</summary>
    Task<CloudResult<Unit>> DryRunAsync(RouteWriteCall action, string regionId, NewRouteEntry entry, CancellationToken cancellation);

    /// <param name="networkInterfaceIds">At most 100 a call; more are asked for in several.</param>
    Task<CloudResult<IReadOnlyList<InterfaceFacts>>> DescribeNetworkInterfacesAsync(string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation);

    Task<CloudResult<Unit>> SwitchOffSourceDestCheckAsync(string regionId, string networkInterfaceId, CancellationToken cancellation);
}
