using System.Text.Json.Serialization;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Vpc;

// The responses of the VPC API (2016-04-28), as far as they are read. Names are the API's.

internal sealed record RouteEntryListResponse : CloudResponse
{
    public string? NextToken { get; init; }
    public EntryList? RouteEntrys { get; init; }

    internal sealed record EntryList(IReadOnlyList<Entry?>? RouteEntry);

    internal sealed record Entry
    {
        public string? RouteEntryId { get; init; }
        public string? RouteEntryName { get; init; }
        public string? Description { get; init; }
        public string? DestinationCidrBlock { get; init; }
        public string? Type { get; init; }
        public string? Status { get; init; }
        public string? ServiceType { get; init; }
        public HopList? NextHops { get; init; }
    }

    internal sealed record HopList(IReadOnlyList<Hop?>? NextHop);

    internal sealed record Hop
    {
        public string? NextHopId { get; init; }
        public string? NextHopType { get; init; }
    }
}

internal sealed record RouteTableListResponse : CloudResponse
{
    public int? TotalCount { get; init; }
    public TableList? RouterTableList { get; init; }

    internal sealed record TableList(IReadOnlyList<Table?>? RouterTableListType);

    internal sealed record Table
    {
        public string? RouteTableId { get; init; }
        public string? VpcId { get; init; }
        public string? AssociateType { get; init; }
        public VSwitchIdList? VSwitchIds { get; init; }
    }

    internal sealed record VSwitchIdList(IReadOnlyList<string?>? VSwitchId);
}

internal sealed record VSwitchListResponse : CloudResponse
{
    public int? TotalCount { get; init; }
    public VSwitchList? VSwitches { get; init; }

    internal sealed record VSwitchList(IReadOnlyList<VSwitchResponse?>? VSwitch);
}

internal sealed record VSwitchResponse : CloudResponse
{
    public string? VSwitchId { get; init; }
    public string? VpcId { get; init; }
    public string? CidrBlock { get; init; }
    public string? Ipv6CidrBlock { get; init; }
    public ServingTable? RouteTable { get; init; }

    internal sealed record ServingTable(string? RouteTableId);
}

internal sealed record VpcResponse : CloudResponse
{
    public string? VpcId { get; init; }
    public string? CidrBlock { get; init; }
    public string? Ipv6CidrBlock { get; init; }
    public Secondary? SecondaryCidrBlocks { get; init; }
    public User? UserCidrs { get; init; }

    internal sealed record Secondary(IReadOnlyList<string?>? SecondaryCidrBlock);

    internal sealed record User(IReadOnlyList<string?>? UserCidr);
}

internal sealed record CreatedResponse : CloudResponse
{
    public string? RouteEntryId { get; init; }
}

internal sealed record BatchResponse : CloudResponse
{
    public int? SuccessCount { get; init; }
    public int? FailedCount { get; init; }
    public IReadOnlyList<Failed?>? FailedRouteEntries { get; init; }

    internal sealed record Failed
    {
        public string? RouteEntryId { get; init; }
        public string? DstCidrBlock { get; init; }
        public string? FailedCode { get; init; }
        public string? FailedMessage { get; init; }
    }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true,
    NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(RouteEntryListResponse))]
[JsonSerializable(typeof(RouteTableListResponse))]
[JsonSerializable(typeof(VSwitchListResponse))]
[JsonSerializable(typeof(VSwitchResponse))]
[JsonSerializable(typeof(VpcResponse))]
[JsonSerializable(typeof(CreatedResponse))]
[JsonSerializable(typeof(BatchResponse))]
internal sealed partial class VpcJson : JsonSerializerContext;
