using System.Collections.Concurrent;
using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Keeps what the client reports, one line each.</summary>
internal sealed class RecordingObserver : ICloudObserver
{
    private readonly ConcurrentQueue<string> lines = [];

    public IReadOnlyList<string> Lines => [.. lines];

    public void RequestEnded(string service, string action, CloudError? failure, TimeSpan duration) =>
        lines.Enqueue($"{service} {action} {failure?.Code ?? "OK"} {duration.TotalSeconds:0} s");

    public void RequestRetried(string service, string action) => lines.Enqueue($"{service} {action} retried");

    public void MetadataRequestEnded(int httpStatus) => lines.Enqueue($"metadata {httpStatus}");

    public void CredentialsFetched(CredentialFetch result, DateTimeOffset? expiration) => lines.Enqueue($"{result} {expiration:u}");

    public void ClockMeasured(TimeSpan ahead) => lines.Enqueue($"clock {ahead.TotalSeconds:0} s");
}
