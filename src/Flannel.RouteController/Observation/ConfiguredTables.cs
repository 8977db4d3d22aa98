using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>The route tables that the configuration names (<c>RouteTableID</c>), and which of them are the VPC's. A table of another VPC is
/// never used.</summary>
internal sealed class ConfiguredTables(VpcId vpc, IReadOnlyList<string> ids, ICloudApi api, ILogger log)
{
    private const string ListAction = "vpc:DescribeRouteTableList";
    private const string GatewayTable = "it is a gateway's table";

    private readonly HashSet<string> verified = [];
    private readonly Dictionary<string, string> unverified = [];
    private readonly HashSet<string> warned = [];

    public IReadOnlyList<string> Ids => ids;

    /// <summary>For each table that is not used because its VPC cannot be verified, one line for an operator.</summary>
    public IReadOnlyCollection<string> Unverified => unverified.Values;

    /// <summary>Compares with the complete list of the VPC's tables.</summary>
    public void Compare(IReadOnlyCollection<string> tableIds, IReadOnlySet<string> gatewayTableIds)
    {
        unverified.Clear();
        verified.UnionWith(tableIds);
        foreach (var id in ids.Where(id => !tableIds.Contains(id) && warned.Add(id)))
        {
            var reason = gatewayTableIds.Contains(id) ? GatewayTable : "the VPC has no such table";
            RouteControllerLog.ConfiguredTableIgnored(log, id, vpc, reason);
        }
    }

    /// <summary>Reads each table by itself, where the VPC's tables cannot be listed: a permission may be limited to a table.</summary>
    /// <param name="servingTableIds">Tables of vSwitches of this VPC: they are this VPC's.</param>
    /// <returns>The tables that are this VPC's.</returns>
    public async Task<IReadOnlyList<string>> VerifyAsync(IEnumerable<string> servingTableIds, CancellationToken cancellation)
    {
        unverified.Clear();
        verified.UnionWith(servingTableIds);
        foreach (var id in ids.Where(id => !verified.Contains(id)))
        {
            var result = await api.DescribeRouteTableAsync(vpc.RegionId, id, cancellation);
            if (result.Error is { } error) AddUnverified(id, error);
            else Classify(id, result.Value!.FirstOrDefault(table => table.RouteTableId == id));
        }

        return [.. ids.Where(verified.Contains)];
    }

    private void AddUnverified(string id, CloudError error)
    {
        var reason = error.Kind == CloudErrorKind.Denied ? $"missing permission {error.DeniedAction ?? ListAction}" : error.Code;
        unverified[id] = $"RouteTableID {id} is not used: its VPC cannot be verified: {reason}";
        if (warned.Add(id)) RouteControllerLog.TableNotVerified(log, id, vpc, reason, error.RequestNote);
    }

    private void Classify(string id, RouteTable? table)
    {
        if (table is { IsGateway: false } && table.VpcId == vpc.Id) verified.Add(id);
        else if (warned.Add(id)) RouteControllerLog.ConfiguredTableIgnored(log, id, vpc, IgnoredReason(table));
    }

    private static string IgnoredReason(RouteTable? table) => table switch
    {
        { IsGateway: true } => GatewayTable,
        { VpcId.Length: > 0 } => $"it is a table of {table.VpcId}",
        _ => "there is no such table",
    };
}
