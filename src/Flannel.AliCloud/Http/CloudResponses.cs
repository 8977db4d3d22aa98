using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliCloud.Vpc;

namespace Flannel.AliCloud.Http;

// What the API answers, as far as it is read. Tolerant: unknown properties are ignored, known ones may be absent. What an answer must have to be
// believed is checked where it is used: an empty object is not a success.

/// <summary>The request id is in every true answer of the API; without it, something else answered.</summary>
internal record CloudResponse
{
    public string? RequestId { get; init; }
}

internal sealed record ErrorResponse : CloudResponse
{
    public string? Code { get; init; }
    public string? Message { get; init; }
}

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
        public string? RouteTableType { get; init; }
        public string? VpcId { get; init; }
        public string? AssociateType { get; init; }
        public VSwitchIdList? VSwitchIds { get; init; }
    }
}

internal sealed record VSwitchIdList(IReadOnlyList<string?>? VSwitchId);

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
    public Serving? RouteTable { get; init; }

    internal sealed record Serving(string? RouteTableId);
}

internal sealed record VpcResponse : CloudResponse
{
    public string? VpcId { get; init; }
    public string? CidrBlock { get; init; }
    public Secondary? SecondaryCidrBlocks { get; init; }
    public User? UserCidrs { get; init; }

    internal sealed record Secondary(IReadOnlyList<string?>? SecondaryCidrBlock);

    internal sealed record User(IReadOnlyList<string?>? UserCidr);
}

internal sealed record QuotaResponse : CloudResponse
{
    public Facts? Quota { get; init; }

    /// <param name="TotalQuota">The API's type is a float.</param>
    internal sealed record Facts(string? QuotaActionCode, [property: JsonConverter(typeof(WholeNumber))] int? TotalQuota, bool? Adjustable);

    /// <summary>The whole part; null for what is no number of this size. (With double itself the executable would carry its whole way through JSON.)</summary>
    internal sealed class WholeNumber : JsonConverter<int?>
    {
        public override int? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var number) && number is > int.MinValue and < int.MaxValue ? (int)number : null;

        public override void Write(Utf8JsonWriter writer, int? value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
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

internal sealed record InterfaceListResponse : CloudResponse
{
    public string? NextToken { get; init; }
    public InterfaceSet? NetworkInterfaceSets { get; init; }

    internal sealed record InterfaceSet(IReadOnlyList<Interface?>? NetworkInterfaceSet);

    internal sealed record Interface
    {
        public string? NetworkInterfaceId { get; init; }
        public string? InstanceId { get; init; }
        public bool? SourceDestCheck { get; init; }
    }
}

/// <summary>A temporary key: on its own from the metadata service (which adds a code) and from a credentials URI.</summary>
internal sealed class AccessKeyResponse // no record: that would print what it holds
{
    public string? Code { get; init; }
    public string? AccessKeyId { get; init; }
    public string? AccessKeySecret { get; init; }
    public string? SecurityToken { get; init; }
    public DateTimeOffset? Expiration { get; init; }
}

internal sealed record AssumedRoleResponse : CloudResponse
{
    public AccessKeyResponse? Credentials { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNameCaseInsensitive = true, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(CloudResponse))]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(RouteEntryListResponse))]
[JsonSerializable(typeof(RouteTableListResponse))]
[JsonSerializable(typeof(VSwitchListResponse))]
[JsonSerializable(typeof(VSwitchResponse))]
[JsonSerializable(typeof(VpcResponse))]
[JsonSerializable(typeof(QuotaResponse))]
[JsonSerializable(typeof(CreatedResponse))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(InterfaceListResponse))]
[JsonSerializable(typeof(AssumedRoleResponse))]
[JsonSerializable(typeof(AccessKeyResponse))]
internal sealed partial class CloudResponseJson : JsonSerializerContext;
