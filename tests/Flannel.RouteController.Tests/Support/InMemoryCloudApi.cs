using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Tests.Support;

/// <summary>Route tables in memory that behave like the API: a write takes effect after some time, other writes of the VPC get TaskConflict
/// until then, and the entries of a batch fail separately. A test can inject faults. All calls are recorded.</summary>
internal sealed partial class InMemoryCloudApi(TimeProvider time) : ICloudApi
{
    private readonly Dictionary<string, long> busyUntil = [];
    private readonly Dictionary<string, int> writesInFlight = [];
    private readonly Dictionary<string, string> tokens = [];
    private int ids;

    public TimeProvider Time => time;
    public TimeSpan Latency { get; set; } = TimeSpan.FromMilliseconds(5);
    public TimeSpan Settling { get; set; } = TimeSpan.FromMilliseconds(500);
    public int Quota { get; set; } = 200;
    public Dictionary<string, Table> Tables { get; } = [];
    public Dictionary<string, VSwitchAttributes> VSwitches { get; } = [];
    public Dictionary<string, VpcAttributes> Vpcs { get; } = [];

    /// <summary>By ENI: whether the check is on.</summary>
    public Dictionary<string, bool> SourceDestChecks { get; } = [];

    public HashSet<string> DeniedActions { get; } = [];

    /// <summary>Tables that may be described one by one although the listing is denied: a permission that is limited to them.</summary>
    public HashSet<string> VerifiableTables { get; } = [];

    /// <summary>Next hops that the API does not know.</summary>
    public HashSet<string> UnknownHops { get; } = [];

    /// <summary>Whether one unknown next hop makes its whole batch fail.</summary>
    public bool UnknownHopFailsBatch { get; set; }

    /// <summary>The code with which the API refuses an entry; null if it does not. Only for IPv6 entries.</summary>
    public Func<NewRouteEntry, string?> Ipv6Refusal { get; set; } = _ => null;

    /// <summary>Whether one refused IPv6 entry makes its whole batch fail.</summary>
    public bool RefusesIpv6Batches { get; set; }

    /// <summary>Destinations of entries that the API does not delete.</summary>
    public HashSet<string> LockedDestinations { get; } = [];

    /// <summary>The table id that a listing returns for each entry; null for the real one.</summary>
    public string? ListedTableId { get; set; }

    /// <summary>Destinations whose entries a list of some destinations lacks.</summary>
    public HashSet<string> UnmatchedDestinations { get; } = [];

    /// <summary>Whether a list of some destinations contains all entries.</summary>
    public bool IgnoresDestinations { get; set; }

    /// <summary>Whether the response to a batch has failures without their destinations.</summary>
    public bool HidesFailedDestinations { get; set; }

    public List<Call> Calls { get; } = [];

    /// <summary>Returns the fault of a call; null for none.</summary>
    public Func<Call, Fault?> Faults { get; set; } = _ => null;

    /// <summary>Violations of the API's rules by the controller.</summary>
    public List<string> Violations { get; } = [];

    public int Writes => Calls.Count(call => call.IsWrite);

    public int Count(string action) => Calls.Count(call => call.Action == action);

    public sealed record Call(int N, TimeSpan At, string Action, string VpcId, IReadOnlyList<string> Subjects)
    {
        public bool IsWrite => Action is "CreateRouteEntries" or "CreateRouteEntry" or "ModifyRouteEntry" or "DeleteRouteEntries";
    }

    /// <param name="Done">Whether the call is executed although its response is lost.</param>
    public sealed record Fault(CloudErrorKind Kind, string Code, bool Done = false, TimeSpan Delay = default, TimeSpan? RetryAfter = null)
    {
        public int HttpStatus { get; init; } = 400;

        public static readonly Fault Busy = new(CloudErrorKind.Retry, "TaskConflict");
        public static readonly Fault TimeoutAfterSuccess = new(CloudErrorKind.Reread, "<timeout>", true, TimeSpan.FromSeconds(10));
        public static readonly Fault NoConnection = new(CloudErrorKind.Retry, "<connect>");
    }

    public sealed class Table(string id, string vpcId, bool isGateway)
    {
        public string Id { get; } = id;
        public string VpcId { get; } = vpcId;
        public bool IsGateway { get; } = isGateway;
        public List<Entry> Entries { get; } = [];

        public Entry? At(string destination) => Entries.Find(entry => entry.Destination == destination);
    }

    public sealed class Entry
    {
        public required string Id { get; init; }
        public required string Destination { get; init; }
        public required NextHop Hop { get; set; }
        public string Name { get; set; } = "";
        public string Description { get; set; } = "";
        public bool IsCustom { get; init; } = true;
        public RouteEntryStatus Status { get; set; } = RouteEntryStatus.Available;

        /// <summary>When the status becomes final.</summary>
        public long SettlesAt { get; set; } = long.MaxValue;
    }

    /// <summary>With a table that serves a vSwitch.</summary>
    public static InMemoryCloudApi WithOneTable(TimeProvider time)
    {
        var cloud = new InMemoryCloudApi(time);
        cloud.AddTable("vpc-1", "vtb-1");
        cloud.AddVSwitch("vsw-1", "vpc-1", "vtb-1");
        return cloud;
    }

    public Table AddTable(string vpcId, string tableId, bool isGateway = false)
    {
        Vpcs.TryAdd(vpcId, new VpcAttributes(vpcId, "192.168.0.0/16", [], []));
        return Tables[tableId] = new Table(tableId, vpcId, isGateway);
    }

    /// <summary>Adds table <c>vtb-2</c> to VPC <c>vpc-1</c>. It serves vSwitch <c>vsw-2</c>.</summary>
    public void AddSecondTable()
    {
        AddTable("vpc-1", "vtb-2");
        AddVSwitch("vsw-2", "vpc-1", "vtb-2", "192.168.2.0/24");
    }

    public void AddVSwitch(string vSwitchId, string vpcId, string tableId, string cidr = "192.168.1.0/24") =>
        VSwitches[vSwitchId] = new VSwitchAttributes(vSwitchId, vpcId, cidr, tableId);

    /// <summary>An entry that another client creates, available at once.</summary>
    public Entry AddEntry(
        string tableId, string destination, string hop, string name = "", string description = "", bool isCustom = true,
        string type = "Instance")
    {
        var entry = new Entry
        {
            Id = $"rte-{++ids}",
            Destination = destination,
            Hop = new NextHop(type, hop),
            Name = name,
            Description = description,
            IsCustom = isCustom,
        };
        Tables[tableId].Entries.Add(entry);
        return entry;
    }

    public IEnumerable<string> Routes(string tableId) =>
        Settled(Tables[tableId]).Entries.Select(entry => $"{entry.Destination} {entry.Hop.Id} {entry.Status}");

    private Table Settled(Table table)
    {
        foreach (var entry in table.Entries.Where(entry => entry.SettlesAt <= time.GetTimestamp()).ToList())
        {
            entry.SettlesAt = long.MaxValue;
            if (entry.Status == RouteEntryStatus.Deleting) table.Entries.Remove(entry);
            else entry.Status = RouteEntryStatus.Available;
        }

        return table;
    }

    private async Task<CloudResult<T>> CallAsync<T>(
        string action, string vpcId, IReadOnlyList<string> subjects, Func<CloudResult<T>> body, CancellationToken cancellation)
        where T : class
    {
        cancellation.ThrowIfCancellationRequested();
        var call = new Call(Calls.Count, TimeSpan.FromTicks(time.GetTimestamp()), action, vpcId, subjects);
        Calls.Add(call);
        var requestId = $"R-{call.N}";
        if (call.IsWrite && (writesInFlight[vpcId] = writesInFlight.GetValueOrDefault(vpcId) + 1) > 1)
            Violations.Add($"two writes at once in {vpcId}: {call}");
        try
        {
            await Task.Delay(Latency, time, cancellation);
            var otherService = action.Contains("NetworkInterface", StringComparison.Ordinal) ? "ecs:" : "vpc:";
            var ram = (action == "GetProductQuota" ? "quotas:" : otherService) + action;
            if (DeniedActions.Contains(ram)) return Failed<T>(CloudErrorKind.Denied, "Forbidden.RAM", requestId, ram);
            if (Faults(call) is { } fault)
            {
                if (fault.Done) body();
                if (fault.Delay > TimeSpan.Zero) await Task.Delay(fault.Delay, time, cancellation);
                var error = Error(fault.Kind, fault.Code, requestId, retryAfter: fault.RetryAfter);
                return new CloudResult<T>(null, error with { HttpStatus = fault.HttpStatus }, requestId);
            }

            return body() with { RequestId = requestId };
        }
        finally
        {
            if (call.IsWrite) writesInFlight[vpcId]--;
        }
    }

    /// <summary>The error of a write while another one of the VPC has not taken effect; null if there is none.</summary>
    private CloudResult<T>? Busy<T>(string vpcId) where T : class =>
        busyUntil.TryGetValue(vpcId, out var until) && until > time.GetTimestamp()
            ? Failed<T>(CloudErrorKind.Retry, "TaskConflict", "")
            : null;

    private long Settles(string vpcId) => busyUntil[vpcId] = time.GetTimestamp() + Settling.Ticks;

    private CloudError? Put(NewRouteEntry desired)
    {
        var table = Settled(Tables[desired.RouteTableId]);
        if (UnknownHops.Contains(desired.NextHop.Id)) return Error(CloudErrorKind.Fatal, "InvalidNextHop.NotFound", "");
        if (desired.Destination.IsV6 && Ipv6Refusal(desired) is { } code)
            return Error(CloudErrorTable.Classify(code, "CreateRouteEntry"), code, "");
        if (table.At(desired.Destination.ToString()) is not null)
            return Error(CloudErrorKind.Reread, "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", "");
        if (table.Entries.Count(entry => entry.IsCustom) >= Quota) return Error(CloudErrorKind.Quota, "QuotaExceeded", "");
        var entry = AddEntry(desired.RouteTableId, desired.Destination.ToString(), desired.NextHop.Id, desired.Name, desired.Description);
        entry.Hop = desired.NextHop;
        entry.Status = RouteEntryStatus.Pending;
        entry.SettlesAt = Settles(table.VpcId);
        return null;
    }

    private static CloudError Error(CloudErrorKind kind, string code, string requestId, string? action = null,
        TimeSpan? retryAfter = null) =>
        new(kind, code, "an injected error", requestId, 400, retryAfter, action);

    private static CloudResult<T> Failed<T>(
        CloudErrorKind kind, string code, string requestId, string? action = null, TimeSpan? retryAfter = null) where T : class =>
        new(null, Error(kind, code, requestId, action, retryAfter), requestId);

    private static CloudResult<T> Answer<T>(T value) where T : class => new(value, null, "");
}
