namespace AliCloud.Simulator.Observing;

/// <summary>One request that reached the metadata service or the API.</summary>
/// <param name="N">1, 2, 3… in the order of execution; it continues after the log was cleared.</param>
/// <param name="Time">Time of arrival, UTC.</param>
/// <param name="Service"><c>vpc</c>, <c>ecs</c> or <c>metadata</c>; empty if the request names no known service.</param>
/// <param name="Action">The API action, or <c>GET /latest/…</c> of the metadata service.</param>
/// <param name="Status">The HTTP status; 0 if the connection was reset.</param>
/// <param name="Code">The error code; the kind of the fault if the connection was reset.</param>
/// <param name="Milliseconds">From arrival to effect, without a delay by a fault after it.</param>
public sealed record LoggedCall(
    long N, DateTimeOffset Time, string Service, string Action, string? InstanceId, string? AccessKeyId, IReadOnlyDictionary<string,
        string> Parameters,
    int Status, string? Code, string RequestId, double Milliseconds);
