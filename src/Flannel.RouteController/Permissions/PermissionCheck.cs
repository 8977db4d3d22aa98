using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Quotas;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Permissions;

/// <summary>What the API tells of a node's VPC, and with it which rights there are: every RAM action that the route controller uses is tried once, by a read or by the
/// API's own dry run. Nothing is written.</summary>
public sealed class PermissionCheck
{
    private readonly List<Permission> rights = [];

    private PermissionCheck() { }

    /// <summary>In the order in which the controller needs them.</summary>
    public IReadOnlyList<Permission> Rights => rights;

    public CloudResult<VSwitchAttributes> VSwitch { get; private set; } = null!;

    public CloudResult<IReadOnlyList<RouteTable>> Tables { get; private set; } = null!;

    /// <summary>Of the table that serves the node; null when it is not known.</summary>
    public CloudResult<IReadOnlyList<RouteEntry>>? Entries { get; private set; }

    public CloudResult<VpcAttributes> Vpc { get; private set; } = null!;

    public CloudResult<IReadOnlyList<VSwitchAttributes>> VSwitches { get; private set; } = null!;

    public CloudResult<RouteEntryQuota> Quota { get; private set; } = null!;

    /// <summary>Of the node's interface; null when it is not known.</summary>
    public bool? SourceDestCheck { get; private set; }

    /// <summary>No credentials, or none that the cloud takes: then nothing else was tried.</summary>
    public CloudError? Refusal { get; private set; }

    /// <param name="api">Its paging, time-outs and credentials are those of the daemon.</param>
    /// <param name="destination">A subnet of the cluster's network that no entry has, for the dry runs.</param>
    public static async Task<PermissionCheck> TakeAsync(CloudApi api, AliVpcBackendData self, Ipv4Network destination, CancellationToken cancellation)
    {
        var survey = new PermissionCheck { VSwitch = await api.DescribeVSwitchAttributesAsync(self.RegionId, self.VSwitchId, cancellation) };
        if (survey.VSwitch.Error is { Kind: CloudErrorKind.RefreshCredentials } or { HttpStatus: 0 })
        {
            survey.Refusal = survey.VSwitch.Error;
            return survey;
        }

        survey.Note("vpc:DescribeVSwitchAttributes", "", survey.VSwitch.Error);
        await survey.ReadAsync(api, self, cancellation);
        await survey.TryWritesAsync(api, self, destination, cancellation);
        await survey.LookAtInterfaceAsync(api, self, cancellation);
        survey.Quota = await api.GetRouteEntryQuotaAsync(self.RegionId, cancellation);
        if (survey.Quota.Error is not { Code: CloudErrorCodes.InvalidRequest })
            survey.Note("quotas:GetProductQuota", "the limit of a route table is taken to be 200", survey.Quota.Error);
        return survey;
    }

    private async Task ReadAsync(CloudApi api, AliVpcBackendData self, CancellationToken cancellation)
    {
        Tables = await api.DescribeRouteTableListAsync(self.RegionId, self.VpcId, cancellation);
        Note("vpc:DescribeRouteTableList", "each vSwitch is asked for its table by itself", Tables.Error);
        if (VSwitch.Value?.RouteTableId is { Length: > 0 } tableId)
        {
            Entries = await api.DescribeRouteEntryListAsync(self.RegionId, tableId, cancellation);
            Note("vpc:DescribeRouteEntryList", "", Entries.Error);
        }
        else
        {
            rights.Add(NotTried("vpc:DescribeRouteEntryList", "", VSwitch.Error, "the route table is not known"));
        }

        const string overlaps = "overlaps with the VPC's ranges are told by the API's refusal only";
        Vpc = await api.DescribeVpcAttributeAsync(self.RegionId, self.VpcId, cancellation);
        Note("vpc:DescribeVpcAttribute", overlaps, Vpc.Error);
        VSwitches = await api.DescribeVSwitchesAsync(self.RegionId, self.VpcId, cancellation);
        Note("vpc:DescribeVSwitches", overlaps, VSwitches.Error);
    }

    private async Task TryWritesAsync(CloudApi api, AliVpcBackendData self, Ipv4Network destination, CancellationToken cancellation)
    {
        foreach (var action in Enum.GetValues<RouteWriteCall>())
        {
            var name = $"vpc:{action}";
            var lost = action == RouteWriteCall.CreateRouteEntries ? "routes are created one by one" : "";
            if (VSwitch.Value?.RouteTableId is not { Length: > 0 } tableId)
            {
                rights.Add(NotTried(name, lost, VSwitch.Error, "the route table is not known"));
                continue;
            }

            var hop = self.PrimaryInterface ? new NextHop("Instance", self.InstanceId) : new NextHop("NetworkInterface", self.NetworkInterfaceId);
            var answer = await api.DryRunAsync(action, self.RegionId, new NewRouteEntry(tableId, destination, hop, "flannel-check", "a dry run"), cancellation);
            Note(name, lost, answer.Error);
        }
    }

    private async Task LookAtInterfaceAsync(CloudApi api, AliVpcBackendData self, CancellationToken cancellation)
    {
        const string lost = "the source/destination check stays on where it is on, and drops the containers' packets: switch it off yourself";
        var interfaces = await api.DescribeNetworkInterfacesAsync(self.RegionId, [self.NetworkInterfaceId], cancellation);
        Note("ecs:DescribeNetworkInterfaces", lost, interfaces.Error);
        SourceDestCheck = interfaces.Value?.FirstOrDefault(facts => facts.NetworkInterfaceId == self.NetworkInterfaceId)?.SourceDestCheck;
        // There is no dry run of it. To switch off what is off already changes nothing.
        if (SourceDestCheck == false)
            Note("ecs:ModifyNetworkInterfaceAttribute", lost,
                (await api.DisableSourceDestCheckAsync(self.RegionId, self.NetworkInterfaceId, cancellation)).Error);
        else
            rights.Add(NotTried(
                "ecs:ModifyNetworkInterfaceAttribute", lost, interfaces.Error,
                SourceDestCheck is null ? "the interface is not known" : "it would switch the check off, and the API has no dry run of it"));
    }

    private static Permission NotTried(string action, string lost, CloudError? cause, string why) =>
        new(action, lost, cause is { Kind: CloudErrorKind.Denied } ? PermissionState.Blocked : PermissionState.Unknown, $"not tried: {why}");

    private void Note(string action, string lost, CloudError? error) => rights.Add(Permission.Of(action, lost, error));
}
