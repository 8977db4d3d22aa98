using System.Globalization;
using Flannel.AliCloud.Http;
using Flanneld.Observability.Prometheus;

namespace Flanneld.Observability;

/// <summary>The metrics of the client of the cloud. Thread-safe.</summary>
internal sealed class CloudMetrics : ICloudObserver
{
    private const string Succeeded = "OK";

    private readonly CounterSet requests = new(MetricCatalog.CloudRequests);
    private readonly HistogramSet durations = new(MetricCatalog.CloudRequestDuration);
    private readonly CounterSet throttled = new(MetricCatalog.CloudThrottled);
    private readonly CounterSet retries = new(MetricCatalog.CloudRetries);
    private readonly Gauge clockOffset = new();
    private readonly CounterSet metadataRequests = new(MetricCatalog.MetadataRequests);
    private readonly CounterSet credentialRefreshes = new(MetricCatalog.CredentialRefreshes);
    private readonly Gauge credentialExpiry = new();

    public void RequestEnded(string service, string action, CloudError? failure, TimeSpan duration)
    {
        requests.Increment(service, action, failure is null ? Succeeded : CodeOf(failure.Code));
        durations.Observe(duration, service, action);
        // Present from the first request on: an alert sees the first rejection as an increase.
        throttled.Add(failure is { IsThrottling: true } ? 1 : 0, service, action);
        retries.Add(0, service, action);
    }

    public void RequestRetried(string service, string action) => retries.Increment(service, action);

    public void MetadataRequestEnded(int httpStatus) => metadataRequests.Increment(httpStatus switch
    {
        0 => "unavailable",
        200 or 401 or 403 or 404 or 429 or 500 or 502 or 503 or 504 => httpStatus.ToString(CultureInfo.InvariantCulture),
        _ => MetricFamily.OtherValue,
    });

    public void CredentialsFetched(CredentialFetch result, DateTimeOffset? expiration)
    {
        credentialRefreshes.Increment(result switch
        {
            CredentialFetch.Succeeded => "success",
            CredentialFetch.Failed => "failure",
            _ => "missing",
        });
        // A failed fetch changes nothing: the former key is used until it expires.
        if (result == CredentialFetch.Succeeded) credentialExpiry.Value = expiration?.ToUnixTimeSeconds();
    }

    public void ClockMeasured(TimeSpan ahead) => clockOffset.Value = Math.Round(ahead.TotalSeconds);

    public void AppendTo(MetricText text)
    {
        requests.AppendTo(text);
        durations.AppendTo(text);
        throttled.AppendTo(text);
        retries.AppendTo(text);
        if (clockOffset.Value is { } offset) text.Add(MetricCatalog.CloudClockOffset, offset);
        metadataRequests.AppendTo(text);
        credentialRefreshes.AppendTo(text);
        if (credentialExpiry.Value is { } expiry) text.Add(MetricCatalog.CredentialExpiry, expiry);
    }

    /// <summary>The service may send any code: only those of the table become label values.</summary>
    private static string CodeOf(string code) => code switch
    {
        CloudErrorCodes.Connect => "connect",
        CloudErrorCodes.Timeout => "timeout",
        CloudErrorCodes.InvalidResponse => "invalid_response",
        CloudErrorCodes.InvalidRequest => "invalid_request",
        CloudErrorCodes.Unauthorized or CloudErrorCodes.Forbidden or CloudErrorCodes.TooManyRequests => code,
        _ => CloudErrorTable.Find(code) ?? MetricFamily.OtherValue,
    };
}
