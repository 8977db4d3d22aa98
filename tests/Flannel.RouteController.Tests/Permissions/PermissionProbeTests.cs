using Flannel.AliCloud.Http;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Permissions;

public sealed class PermissionProbeTests
{
    private static readonly AliVpcBackendData Self = new("cn-hangzhou", "vpc-1", "vsw-1", "i-1", "eni-1", true);

    [Fact]
    public void Two_permitted_reads_are_enough() =>
        Probe(_ => { }, result => Assert.IsType<PermissionProbeResult.Allowed>(result), 2);

    [Theory]
    [InlineData("vpc:DescribeVSwitchAttributes", 1)]
    [InlineData("vpc:DescribeRouteEntryList", 2)]
    public void A_missing_permission_is_named(string action, int calls) =>
        Probe(cloud => cloud.DeniedActions.Add(action),
            result => Assert.Equal(action, Assert.IsType<PermissionProbeResult.Denied>(result).Action), calls);

    [Fact]
    public void Missing_credentials_are_not_a_missing_permission() => Probe(
        cloud => cloud.Faults = _ => new InMemoryCloudApi.Fault(CloudErrorKind.RefreshCredentials, "<credentials>"),
        result => Assert.IsType<PermissionProbeResult.NoCredentials>(result), 1);

    [Fact]
    public void An_unavailable_API_says_nothing_about_permissions() => Probe(
        cloud => cloud.Faults = _ => InMemoryCloudApi.Fault.NoConnection,
        result => Assert.Contains("<connect>", Assert.IsType<PermissionProbeResult.Unreachable>(result).Reason, StringComparison.Ordinal),
        1);

    [Fact]
    public void Throttling_is_not_an_unavailable_API_and_has_the_time_of_the_next_attempt() => Probe(
        cloud => cloud.Faults = _ =>
            new InMemoryCloudApi.Fault(CloudErrorKind.Retry, "Throttling.User", RetryAfter: TimeSpan.FromSeconds(6)),
        result =>
        {
            var failed = Assert.IsType<PermissionProbeResult.Failed>(result);
            Assert.Contains("throttles", failed.Reason, StringComparison.Ordinal);
            Assert.Equal(TimeSpan.FromSeconds(6), failed.RetryAfter);
        }, 1);

    [Fact]
    public void A_rejection_by_a_proxy_is_not_a_missing_permission() => Probe(
        cloud => cloud.Faults = _ => new InMemoryCloudApi.Fault(CloudErrorKind.Denied, CloudErrorCodes.Forbidden),
        result => Assert.StartsWith(
            "a proxy or a firewall rejects the call: ", Assert.IsType<PermissionProbeResult.Failed>(result).Reason,
            StringComparison.Ordinal),
        1);

    private static void Probe(
        Action<InMemoryCloudApi> arrange, Action<PermissionProbeResult> check, int calls) => VirtualTime.Run(async time =>
    {
        var cloud = InMemoryCloudApi.WithOneTable(time);
        arrange(cloud);
        check(await PermissionProbe.CanControlAsync(
            new PrefetchingCloudApi(cloud, time), Self, _ => Task.FromResult(false), CancellationToken.None));
        Assert.Equal(calls, cloud.Calls.Count);
        Assert.Equal(0, cloud.Writes);
    });
}
