using Flannel.AliCloud.Http;
using Flannel.RouteController.Failures;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Permissions;

/// <summary>Whether this node may compete for the election.</summary>
public abstract record PermissionProbeResult
{
    public sealed record Allowed : PermissionProbeResult;

    /// <param name="Action">The RAM action that is missing.</param>
    public sealed record Denied(string Action, string RequestId) : PermissionProbeResult;

    /// <summary>There are no credentials, or none that the cloud accepts.</summary>
    public sealed record NoCredentials(string Reason) : PermissionProbeResult;

    /// <summary>An error that says nothing about the permissions: the account is throttled, or the service has an internal
    /// error.</summary>
    /// <param name="RetryAfter">What the service asks for; null if it does not.</param>
    public sealed record Failed(string Reason, TimeSpan? RetryAfter) : PermissionProbeResult;

    /// <summary>No response.</summary>
    public sealed record Unreachable(string Reason) : PermissionProbeResult;
}

/// <summary>Tries the permissions of a candidate by two reads: its vSwitch, and the entries of the table that serves it. While no
/// route controller is elected, it also prefetches what the term reads first.</summary>
public static class PermissionProbe
{
    /// <param name="isVacant">Whether no route controller is elected now.</param>
    public static async Task<PermissionProbeResult> CanControlAsync(
        PrefetchingCloudApi api, AliVpcBackendData self, Func<CancellationToken, Task<bool>> isVacant, CancellationToken cancellation)
    {
        var vSwitch = await api.DescribeVSwitchAttributesAsync(self.RegionId, self.VSwitchId, cancellation);
        if (vSwitch.Error is { } error) return ResultOf(error, "vpc:DescribeVSwitchAttributes");
        var reading = api.PrefetchEntriesAsync(self.RegionId, vSwitch.Value!.RouteTableId, cancellation);
        // Of many nodes that start together, most find another one elected, and need not read the rest.
        if (await isVacant(cancellation)) api.PrefetchVpc(self, cancellation);
        else api.Discard();
        var entries = await reading;
        return entries.Error is { } unread ? ResultOf(unread, "vpc:DescribeRouteEntryList") : new PermissionProbeResult.Allowed();
    }

    private static PermissionProbeResult ResultOf(CloudError error, string action) => error.Kind switch
    {
        CloudErrorKind.Denied when error.IsProxyRejection =>
            new PermissionProbeResult.Failed(error.Denial, error.RetryAfter),
        CloudErrorKind.Denied => new PermissionProbeResult.Denied(error.DeniedAction ?? action, error.RequestId),
        CloudErrorKind.RefreshCredentials => new PermissionProbeResult.NoCredentials($"{error.Code} {error.Message}"),
        _ when RouteErrors.IsNoResponse(error) => new PermissionProbeResult.Unreachable($"{error.Code} {error.Message}"),
        _ when error.IsThrottling =>
            new PermissionProbeResult.Failed($"it throttles this account: {error.Code}{error.RequestNote}", error.RetryAfter),
        _ => new PermissionProbeResult.Failed($"it responds with {error.Code} {error.Message}{error.RequestNote}", error.RetryAfter),
    };
}
