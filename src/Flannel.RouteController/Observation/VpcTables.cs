using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>The route tables of a VPC: those that serve a vSwitch of a node or are configured, and the others. One list of the VPC's tables
/// covers all vSwitches. Where the list is not permitted, or does not contain a vSwitch, the vSwitch is read by itself.</summary>
internal sealed class VpcTables(VpcId vpc, IReadOnlyList<string> configuredIds, ICloudApi api, ILogger log)
{
    private const string ListAction = "vpc:DescribeRouteTableList";

    private readonly ConfiguredTables configured = new(vpc, configuredIds, api, log);
    private readonly Dictionary<string, string> tableOf = [];
    // Those of all vSwitches in the last list.
    private readonly Dictionary<string, string> listedTableOf = [];
    private readonly Dictionary<string, VSwitchProblem> problems = [];
    private readonly HashSet<string> dropped = [];
    private List<string>? all;
    private HashSet<string> gateways = [];
    private bool isInvalidated;
    private bool mustVerify;
    private bool isDenialLogged;

    /// <summary>Sorted. Each of them must have every desired route.</summary>
    public IReadOnlyList<string> Serving { get; private set; } = [];

    /// <summary>The VPC's other tables. Routes of this cluster in them remain from an earlier time.</summary>
    public IReadOnlyList<string> Others { get; private set; } = [];

    /// <summary>Why the last list of the VPC's tables was denied: then <see cref="Others"/> are not all of them. Null if it was
    /// not.</summary>
    public CloudError? ListDenial { get; private set; }

    /// <summary>See <see cref="ConfiguredTables.Unverified"/>.</summary>
    public IReadOnlyCollection<string> Unverified => configured.Unverified;

    /// <summary>Whether the table of a vSwitch is not known because of a transient error.</summary>
    public bool HasUnresolvedVSwitches => problems.Values.Any(problem => problem.State == RouteState.Pending);

    /// <summary>The table that serves a vSwitch; null while it is not known.</summary>
    public string? TableOf(string vSwitchId) => tableOf.GetValueOrDefault(vSwitchId);

    /// <summary>Why the table of a vSwitch is not known; null if it is.</summary>
    public VSwitchProblem? ProblemOf(string vSwitchId) => problems.GetValueOrDefault(vSwitchId);

    /// <summary>The next refresh lists the tables again. Until that succeeds, the known ones are used.</summary>
    public void Invalidate() => isInvalidated = true;

    /// <summary>The next refresh reads these vSwitches again.</summary>
    public void ForgetUnresolvedVSwitches()
    {
        var open = problems.Where(problem => problem.Value.State == RouteState.Pending).Select(problem => problem.Key).ToList();
        foreach (var id in open) problems.Remove(id);
    }

    /// <summary>Ignores a table until the next list: it does not exist, or cannot be read as a route table.</summary>
    public void Drop(string tableId)
    {
        dropped.Add(tableId);
        Classify();
    }

    /// <summary>Whether a refresh would find nothing new.</summary>
    public bool IsCurrent(DesiredVpcState desired) => !isInvalidated && Knows(desired);

    /// <summary>Whether the tables of all nodes are known, perhaps from an earlier list.</summary>
    public bool Knows(DesiredVpcState desired) => all is not null && desired.NodesWithLease.All(node => IsKnown(node.Node.VSwitchId));

    /// <summary>Reads what is not known.</summary>
    /// <returns>Null if everything is known that can be known now. With an error, what <see cref="Knows"/> says is still valid.</returns>
    public async Task<CloudError?> RefreshAsync(DesiredVpcState desired, CancellationToken cancellation)
    {
        var listError = all is null || isInvalidated ? await ListAsync(cancellation) : null;
        if (all is null) return listError;
        var inUse = desired.NodesWithLease.Select(node => node.Node.VSwitchId).ToHashSet();
        foreach (var id in inUse.Where(id => !IsKnown(id)))
        {
            // A list is as old as what is known of the other vSwitches.
            if (listedTableOf.TryGetValue(id, out var table)) tableOf[id] = table;
        }

        var vSwitchError = await ReadVSwitchesAsync([.. inUse.Where(id => !IsKnown(id))], cancellation);
        if (mustVerify)
        {
            mustVerify = false;
            all = [.. await configured.VerifyAsync(tableOf.Values, cancellation)];
        }

        foreach (var gone in tableOf.Keys.Where(id => !inUse.Contains(id)).ToList()) tableOf.Remove(gone);
        Classify();
        // One vSwitch that could not be read does not delay the others.
        return listError ?? (Serving.Count == 0 ? vSwitchError : null);
    }

    private bool IsKnown(string vSwitchId) => tableOf.ContainsKey(vSwitchId) || problems.ContainsKey(vSwitchId);

    private async Task<CloudError?> ListAsync(CancellationToken cancellation)
    {
        var result = await api.DescribeRouteTableListAsync(vpc.RegionId, vpc.Id, cancellation);
        if (result.Error is { Kind: not CloudErrorKind.Denied } error) return error;
        isInvalidated = false;
        tableOf.Clear();
        listedTableOf.Clear();
        problems.Clear();
        dropped.Clear();
        ListDenial = result.Error;
        if (result.Error is { } denied) SetDenied(denied);
        else SetListed([.. result.Value!.Where(table => table.VpcId.Length == 0 || table.VpcId == vpc.Id)]);
        return null;
    }

    private void SetDenied(CloudError denied)
    {
        if (!isDenialLogged) RouteControllerLog.TablesNotListed(log, vpc, denied.DeniedAction ?? ListAction, denied.RequestId);
        isDenialLogged = true;
        gateways = [];
        all = [];
        mustVerify = true;
    }

    private void SetListed(List<RouteTable> tables)
    {
        mustVerify = false;
        gateways = [.. tables.Where(table => table.IsGateway).Select(table => table.RouteTableId)];
        all = [.. tables.Where(table => !table.IsGateway).Select(table => table.RouteTableId)];
        foreach (var table in tables.Where(table => !table.IsGateway))
        {
            foreach (var vSwitch in table.VSwitchIds) listedTableOf[vSwitch] = table.RouteTableId;
        }

        configured.Compare(all, gateways);
    }

    /// <returns>An error of one of them; null if there is none.</returns>
    private async Task<CloudError?> ReadVSwitchesAsync(List<string> ids, CancellationToken cancellation)
    {
        CloudError? error = null;
        var results = await Task.WhenAll(ids.Select(id => api.DescribeVSwitchAttributesAsync(vpc.RegionId, id, cancellation)));
        for (var i = 0; i < ids.Count; i++)
        {
            if (results[i].Error is { } failed) problems[ids[i]] = ProblemOf(ids[i], error = failed);
            else Add(ids[i], results[i].Value!);
        }

        return error;
    }

    private void Add(string vSwitchId, VSwitchAttributes vSwitch)
    {
        if (vSwitch.VpcId == vpc.Id) tableOf[vSwitchId] = vSwitch.RouteTableId;
        else problems[vSwitchId] = new(RouteState.Rejected, $"vSwitch {vSwitchId} is in VPC {vSwitch.VpcId}, not in {vpc.Id}");
    }

    private static VSwitchProblem ProblemOf(string vSwitchId, CloudError error)
    {
        var unknown = $"the route table of vSwitch {vSwitchId} is not known";
        return error.Kind switch
        {
            CloudErrorKind.Denied => new(RouteState.Denied, $"{unknown}: {error.DeniedAction ?? error.Code}"),
            CloudErrorKind.Fatal or CloudErrorKind.Unknown => new(RouteState.Rejected, $"{unknown}: {error.DeniedAction ?? error.Code}"),
            _ => new(RouteState.Pending, $"{unknown} yet: {error.Code}"),
        };
    }

    private void Classify()
    {
        var serving = tableOf.Values.Concat(configured.Ids.Where(id => all is not null && all.Contains(id))).Distinct()
            .Where(id => !dropped.Contains(id) && !gateways.Contains(id)).Order(StringComparer.Ordinal).ToList();
        if (!serving.SequenceEqual(Serving)) RouteControllerLog.TablesKnown(log, vpc, string.Join(' ', serving));
        Serving = serving;
        Others = [.. (all ?? []).Where(id => !dropped.Contains(id) && !serving.Contains(id)).Order(StringComparer.Ordinal)];
    }
}
