using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;

namespace Flannel.RouteController.Observation;

/// <summary>Which route tables of a VPC count: those that serve a vSwitch of a node, and those that the configuration names. One listing of
/// the VPC's tables answers for all vSwitches; where that is not allowed, or does not name a vSwitch, the vSwitch is asked for by itself.</summary>
internal sealed class VpcTables(VpcId vpc, IReadOnlyList<string> configured, ICloudApi api, ILogger log)
{
    private const string ListAction = "vpc:DescribeRouteTableList";

    private readonly Dictionary<string, string> tableOf = [];
    private readonly Dictionary<string, VSwitchProblem> problems = [];
    private readonly HashSet<string> dropped = [];
    private readonly HashSet<string> warned = [];
    private readonly HashSet<string> verified = [];
    private readonly Dictionary<string, string> unverified = [];
    private List<string>? all;
    private bool isOld;
    private bool isToBeVerified;
    private HashSet<string> gateways = [];

    /// <summary>Sorted: every wanted route belongs into each of them.</summary>
    public IReadOnlyList<string> Serving { get; private set; } = [];

    /// <summary>The VPC's other tables: entries of ours in them are left from an earlier time.</summary>
    public IReadOnlyList<string> Others { get; private set; } = [];

    /// <summary>Of each configured table that is not used because its VPC cannot be verified, one line for people.</summary>
    public IEnumerable<string> Unverified => unverified.Values;

    /// <summary>The table that serves a vSwitch; null while it is not known.</summary>
    public string? TableOf(string vSwitchId) => tableOf.GetValueOrDefault(vSwitchId);

    /// <summary>Why the table of a vSwitch is not known; null when it is.</summary>
    public VSwitchProblem? ProblemOf(string vSwitchId) => problems.GetValueOrDefault(vSwitchId);

    /// <summary>The next refresh lists them anew; until that succeeds, what is known counts.</summary>
    public void Invalidate() => isOld = true;

    /// <summary>Whether a vSwitch gave no answer that would be the same next time.</summary>
    public bool HasOpenQuestions => problems.Values.Any(problem => problem.State == RouteState.Pending);

    /// <summary>Lets the next refresh ask again.</summary>
    public void ForgetOpenQuestions()
    {
        var open = problems.Where(problem => problem.Value.State == RouteState.Pending).Select(problem => problem.Key).ToList();
        foreach (var id in open) problems.Remove(id);
    }

    /// <summary>A table that turned out not to exist, or not to be readable as one: without it until the next listing.</summary>
    public void Drop(string tableId)
    {
        dropped.Add(tableId);
        Settle();
    }

    /// <summary>Whether all is known that a refresh would find out.</summary>
    public bool Covers(DesiredVpcState view) => !isOld && Knows(view);

    /// <summary>Whether all is known that the nodes need, be it from an earlier listing.</summary>
    public bool Knows(DesiredVpcState view) =>
        all is not null && view.Members.All(node => tableOf.ContainsKey(node.Node.VSwitchId) || problems.ContainsKey(node.Node.VSwitchId));

    /// <summary>Null when all is known that can be known now. With an error, what <see cref="Knows"/> says is still good.</summary>
    public async Task<CloudError?> RefreshAsync(DesiredVpcState view, CancellationToken cancellation)
    {
        var unlisted = all is null || isOld ? await ListAsync(cancellation) : null;
        if (all is null) return unlisted;
        CloudError? error = null;
        var missing = view.Members.Select(node => node.Node.VSwitchId).Where(id => !tableOf.ContainsKey(id) && !problems.ContainsKey(id))
            .Distinct().ToList();
        var answers = await Task.WhenAll(missing.Select(id => api.DescribeVSwitchAttributesAsync(vpc.RegionId, id, cancellation)));
        for (var i = 0; i < missing.Count; i++) error = Learn(missing[i], answers[i]) ?? error;
        if (isToBeVerified) await VerifyAsync(cancellation);
        // The tables of nodes that have left are still good for those that come back, but they no longer count.
        var inUse = view.Members.Select(node => node.Node.VSwitchId).ToHashSet();
        foreach (var gone in tableOf.Keys.Where(id => !inUse.Contains(id)).ToList()) tableOf.Remove(gone);
        Settle();
        // One vSwitch that gives no answer does not keep the others waiting.
        return unlisted ?? (Serving.Count == 0 ? error : null);
    }

    private async Task<CloudError?> ListAsync(CancellationToken cancellation)
    {
        var answer = await api.DescribeRouteTableListAsync(vpc.RegionId, vpc.Id, cancellation);
        if (answer.Error is { Kind: not CloudErrorKind.Denied } error) return error;
        isOld = false;
        tableOf.Clear();
        problems.Clear();
        dropped.Clear();
        if (answer.Error is { } denied)
        {
            if (warned.Add("list")) RouteControllerLog.TablesNotListed(log, vpc, denied.DeniedAction ?? ListAction, denied.RequestId);
            gateways = [];
            all = [];
            isToBeVerified = true;
            return null;
        }

        isToBeVerified = false;
        unverified.Clear();
        var tables = answer.Value!.Where(table => table.VpcId.Length == 0 || table.VpcId == vpc.Id).ToList();
        gateways = [.. tables.Where(table => table.IsGateway).Select(table => table.RouteTableId)];
        all = [.. tables.Where(table => !table.IsGateway).Select(table => table.RouteTableId)];
        verified.UnionWith(all);
        foreach (var table in tables.Where(table => !table.IsGateway))
        {
            foreach (var vSwitch in table.VSwitchIds) tableOf[vSwitch] = table.RouteTableId;
        }

        foreach (var id in configured.Where(id => !all.Contains(id) && warned.Add(id)))
        {
            RouteControllerLog.ConfiguredTableLeft(log, id, vpc, gateways.Contains(id) ? "it is a gateway's table" : "the VPC has no such table");
        }

        return null;
    }

    /// <summary>A configured table may be another VPC's, whose routes are not to be touched from here. Where the VPC's tables cannot be
    /// listed, each is read by itself: a permission may be limited to it. One that cannot be verified is not used.</summary>
    private async Task VerifyAsync(CancellationToken cancellation)
    {
        isToBeVerified = false;
        unverified.Clear();
        // A table that serves a vSwitch of this VPC is this VPC's.
        verified.UnionWith(tableOf.Values);
        foreach (var id in configured.Where(id => !verified.Contains(id)))
        {
            var answer = await api.DescribeRouteTableAsync(vpc.RegionId, id, cancellation);
            if (answer.Error is { } error)
            {
                var reason = error.Kind == CloudErrorKind.Denied ? $"missing permission {error.DeniedAction ?? ListAction}" : error.Code;
                unverified[id] = $"RouteTableID {id} is not used: its VPC cannot be verified: {reason}";
                if (warned.Add(id)) RouteControllerLog.TableNotVerified(log, id, vpc, reason, error.RequestNote);
                continue;
            }

            var table = answer.Value!.FirstOrDefault(table => table.RouteTableId == id);
            if (table is not null && table.VpcId == vpc.Id && !table.IsGateway) verified.Add(id);
            else if (warned.Add(id)) RouteControllerLog.ConfiguredTableLeft(log, id, vpc, WhyLeft(table));
        }

        all = [.. configured.Where(verified.Contains)];
    }

    private static string WhyLeft(RouteTable? table) =>
        table is { IsGateway: true } ? "it is a gateway's table"
        : table is { VpcId.Length: > 0 } ? $"it is a table of {table.VpcId}"
        : "there is no such table";

    private CloudError? Learn(string vSwitchId, CloudResult<VSwitchAttributes> answer)
    {
        if (answer.Error is { } error)
        {
            if (error.Kind is not (CloudErrorKind.Fatal or CloudErrorKind.Unknown or CloudErrorKind.Denied))
            {
                problems[vSwitchId] = new(RouteState.Pending, $"the route table of vSwitch {vSwitchId} is not known yet: {error.Code}");
                return error;
            }

            var state = error.Kind == CloudErrorKind.Denied ? RouteState.Denied : RouteState.Rejected;
            problems[vSwitchId] = new(state, $"the route table of vSwitch {vSwitchId} is not known: {error.DeniedAction ?? error.Code}");
            return error;
        }

        var facts = answer.Value!;
        if (facts.VpcId == vpc.Id) tableOf[vSwitchId] = facts.RouteTableId;
        else problems[vSwitchId] = new(RouteState.Rejected, $"vSwitch {vSwitchId} is in VPC {facts.VpcId}, not in {vpc.Id}");
        return null;
    }

    private void Settle()
    {
        var serving = tableOf.Values.Concat(configured.Where(id => all is not null && all.Contains(id))).Distinct()
            .Where(id => !dropped.Contains(id) && !gateways.Contains(id)).Order(StringComparer.Ordinal).ToList();
        if (!serving.SequenceEqual(Serving)) RouteControllerLog.TablesKnown(log, vpc, string.Join(' ', serving));
        Serving = serving;
        Others = [.. (all ?? []).Where(id => !dropped.Contains(id) && !serving.Contains(id)).Order(StringComparer.Ordinal)];
    }
}

/// <summary>Why the route table of a vSwitch is not known, and what its nodes are told.</summary>
internal sealed record VSwitchProblem(RouteState State, string Text);
