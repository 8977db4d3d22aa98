using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.RouteController.Failures;

namespace Flannel.RouteController.Inventory;

/// <summary>The reads of the VPC API for a command, which ends, unlike a term. While the API responds that it throttles the account or is
/// busy, a read is repeated with back-off, for at most <see cref="Limit"/> over all reads. Without a response it fails at once: then a
/// person must act.</summary>
public sealed class RetryingCloudReads(ICloudApi api, TimeProvider time, Random random)
{
    /// <summary>Of all pauses together.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Backoff backoff = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(5), random);
    private TimeSpan left = Limit;

    /// <inheritdoc cref="ICloudApi.DescribeRouteEntryListAsync"/>
    public Task<CloudResult<IReadOnlyList<RouteEntry>>> DescribeRouteEntryListAsync(
        string regionId, string routeTableId, CancellationToken cancellation) =>
        ReadAsync(() => api.DescribeRouteEntryListAsync(regionId, routeTableId, cancellation), cancellation);

    /// <inheritdoc cref="ICloudApi.DescribeVSwitchesAsync"/>
    public Task<CloudResult<IReadOnlyList<VSwitchAttributes>>> DescribeVSwitchesAsync(
        string regionId, string vpcId, CancellationToken cancellation) =>
        ReadAsync(() => api.DescribeVSwitchesAsync(regionId, vpcId, cancellation), cancellation);

    /// <inheritdoc cref="ICloudApi.DescribeVpcAttributeAsync"/>
    public Task<CloudResult<VpcAttributes>> DescribeVpcAttributeAsync(string regionId, string vpcId, CancellationToken cancellation) =>
        ReadAsync(() => api.DescribeVpcAttributeAsync(regionId, vpcId, cancellation), cancellation);

    /// <summary>Repeats a read of several calls.</summary>
    /// <param name="read">Its error; null for none.</param>
    public async Task<CloudError?> RepeatAsync(Func<Task<CloudError?>> read, CancellationToken cancellation)
    {
        while (await read() is { } error)
        {
            if (PauseAfter(error) is not { } pause) return error;
            await Task.Delay(pause, time, cancellation);
        }

        backoff.Reset();
        return null;
    }

    private async Task<CloudResult<T>> ReadAsync<T>(Func<Task<CloudResult<T>>> read, CancellationToken cancellation) where T : class
    {
        CloudResult<T>? result = null;
        await RepeatAsync(async () => (result = await read()).Error, cancellation);
        return result!;
    }

    /// <summary>Null if the read is not repeated.</summary>
    private TimeSpan? PauseAfter(CloudError error)
    {
        if (!error.IsThrottling && (error.Kind != CloudErrorKind.Retry || RouteErrors.IsNoResponse(error))) return null;
        var pause = backoff.Next(error.RetryAfter);
        if (pause > left) return null;
        left -= pause;
        return pause;
    }
}
