using AliCloud.Simulator.Api;

namespace AliCloud.Simulator.Observing;

/// <summary>One request that reached the metadata service or the API.</summary>
/// <param name="N">1, 2, 3… in the order in which they were decided; goes on after the log was emptied.</param>
/// <param name="Time">When it arrived, UTC.</param>
/// <param name="Service"><c>vpc</c>, <c>ecs</c> or <c>metadata</c>; empty if the request did not say a service that exists.</param>
/// <param name="Action">The API action, or <c>GET /latest/…</c> of the metadata service.</param>
/// <param name="Status">The HTTP status; 0 when the connection was dropped instead.</param>
/// <param name="Code">The error code; the kind of the fault when the connection was dropped.</param>
/// <param name="Milliseconds">From its arrival until its effect, without what a fault held it back afterwards.</param>
public sealed record LoggedCall(
    long N, DateTimeOffset Time, string Service, string Action, string? InstanceId, string? AccessKeyId, IReadOnlyDictionary<string, string> Parameters,
    int Status, string? Code, string RequestId, double Milliseconds);
