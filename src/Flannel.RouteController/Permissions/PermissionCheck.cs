using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Permissions;

/// <summary>Reads the state of a node's VPC, and tries every RAM action that the route controller uses once: by a read, or by the
/// API's own dry run. It writes nothing.</summary>
public sealed class PermissionCheck
{
    private const string TableUnknown = "the route table is not known";

    private readonly List<Permission> permissions = [];

    private PermissionCheck() { }

    /// <summary>In the order in which the controller needs them.</summary>
    public IReadOnlyList<Permission> Permissions => permissions;

    public CloudResult<VSwitchAttributes> VSwitch { get; private set; } = null!;

    public CloudResult<IReadOnlyList<RouteTable>> Tables { get; private set; } = null!;

    /// <summary>Of the table that serves the node; null if it is not known.</summary>
    public CloudResult<IReadOnlyList<RouteEntry>>? Entries { get; private set; }

    public CloudResult<VpcAttributes> Vpc { get; private set; } = null!;

    public CloudResult<IReadOnlyList<VSwitchAttributes>> VSwitches { get; private set; } = null!;

    public CloudResult<RouteEntryQuota> Quota { get; private set; } = null!;

    /// <summary>Of the node's interface; null if it is not known.</summary>
    public bool? SourceDestCheck { get; private set; }

    /// <summary>Set if there are no credentials, or none that the cloud accepts: nothing else was tried.</summary>
    public CloudError? CredentialsError { get; private set; }

    /// <param name="api">With the paging, time-outs and credentials of the daemon.</param>
    /// <param name="destination">A subnet of the cluster's network that no entry has, for the dry runs.</param>
    public static async Task<PermissionCheck> RunAsync(
        CloudApi api, AliVpcBackendData self, Ipv4Network destination, CancellationToken cancellation)
    {
        var vSwitch = await api.DescribeVSwitchAttributesAsync(self.RegionId, self.VSwitchId, cancellation);
        var check = new PermissionCheck { VSwitch = vSwitch };
        if (vSwitch.Error is { Kind: CloudErrorKind.RefreshCredentials } or { HttpStatus: 0 })
        {
            check.CredentialsError = vSwitch.Error;
            return check;
        }

        check.Add("vpc:DescribeVSwitchAttributes", "", vSwitch.Error);
        await check.ReadAsync(api, self, cancellation);
        await check.TryWritesAsync(api, self, destination, cancellation);
        await check.ReadInterfaceAsync(api, self, cancellation);
        check.Quota = await api.GetRouteEntryQuotaAsync(self.RegionId, cancellation);
        if (check.Quota.Error is not { Code: CloudErrorCodes.InvalidRequest })
            check.Add(
                "quotas:GetProductQuota", $"the limit of a route table is assumed to be {RouteEntryQuota.Default}", check.Quota.Error);
        return check;
    }

    private async Task ReadAsync(CloudApi api, AliVpcBackendData self, CancellationToken cancellation)
    {
        Tables = await api.DescribeRouteTableListAsync(self.RegionId, self.VpcId, cancellation);
        Add("vpc:DescribeRouteTableList", "each vSwitch is read by itself", Tables.Error);
        if (VSwitch.Value?.RouteTableId is { Length: > 0 } tableId)
        {
            Entries = await api.DescribeRouteEntryListAsync(self.RegionId, tableId, cancellation);
            Add("vpc:DescribeRouteEntryList", "", Entries.Error);
        }
        else AddNotTried("vpc:DescribeRouteEntryList", "", VSwitch.Error, TableUnknown);

        const string overlaps = "overlaps with the VPC's ranges are found only when the API rejects a route";
        Vpc = await api.DescribeVpcAttributeAsync(self.RegionId, self.VpcId, cancellation);
        Add("vpc:DescribeVpcAttribute", overlaps, Vpc.Error);
        VSwitches = await api.DescribeVSwitchesAsync(self.RegionId, self.VpcId, cancellation);
        Add("vpc:DescribeVSwitches", overlaps, VSwitches.Error);
    }

    private async Task TryWritesAsync(CloudApi api, AliVpcBackendData self, Ipv4Network destination, CancellationToken cancellation)
    {
        foreach (var call in Enum.GetValues<RouteWriteCall>())
        {
            var action = $"vpc:{call}";
            var lost = call == RouteWriteCall.CreateRouteEntries ? "routes are created one by one" : "";
            if (VSwitch.Value?.RouteTableId is not { Length: > 0 } tableId)
            {
                AddNotTried(action, lost, VSwitch.Error, TableUnknown);
                continue;
            }

            var entry = new NewRouteEntry(tableId, destination, NextHops.Of(self), "flannel-check", "a dry run");
            Add(action, lost, (await api.DryRunAsync(call, self.RegionId, entry, cancellation)).Error);
        }
    }

    private async Task ReadInterfaceAsync(CloudApi api, AliVpcBackendData self, CancellationToken cancellation)
    {
        const string action = "ecs:ModifyNetworkInterfaceAttribute";
        const string lost = "a source/destination check that is on stays on and drops the containers' packets: disable it yourself";
        var id = self.NetworkInterfaceId;
        var interfaces = await api.DescribeNetworkInterfacesAsync(self.RegionId, [id], cancellation);
        Add("ecs:DescribeNetworkInterfaces", lost, interfaces.Error);
        SourceDestCheck = interfaces.Value?.FirstOrDefault(facts => facts.NetworkInterfaceId == id)?.SourceDestCheck;
        if (SourceDestCheck != false)
        {
            AddNotTried(action, lost, interfaces.Error, SourceDestCheck is null
                ? "the interface is not known"
                : "it would disable the check, and the API has no dry run of it");
            return;
        }

        // The API has no dry run of it. To disable a check that is off changes nothing.
        Add(action, lost, (await api.DisableSourceDestCheckAsync(self.RegionId, id, cancellation)).Error);
    }

    private void Add(string action, string lost, CloudError? error) => permissions.Add(Permission.Of(action, lost, error));

    private void AddNotTried(string action, string lost, CloudError? cause, string reason)
    {
        var state = cause is { Kind: CloudErrorKind.Denied } ? PermissionState.Blocked : PermissionState.Unknown;
        permissions.Add(new Permission(action, lost, state, $"not tried: {reason}"));
    }
}
