using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Permissions;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

namespace Flannel.RouteController.Tests.Infrastructure;

/// <summary>What a candidate reads for its term is used once, and only while nothing can have changed.</summary>
public sealed class PrefetchingCloudApiTests
{
    private const string Region = "cn-hangzhou";

    private static readonly AliVpcBackendData Self = new(Region, "vpc-1", "vsw-1", "i-1", "eni-i-1", true);

    [Fact]
    public void A_term_that_follows_at_once_repeats_no_read() => Run(async (time, cloud, api) =>
    {
        await ProbeAsync(api, isVacant: true);
        await ReadVpcAsync(api);
        Assert.Equal(6, cloud.Calls.Count);
        Assert.Equal(6, cloud.Calls.Select(call => call.Action).Distinct().Count());

        // Each is used once.
        await ReadVpcAsync(api);
        Assert.Equal(11, cloud.Calls.Count);
    });

    [Fact]
    public void The_reads_begin_together_after_the_vSwitch_is_known() => Run(async (time, cloud, api) =>
    {
        await ProbeAsync(api, isVacant: true);
        Assert.Equal(TimeSpan.Zero, cloud.Calls[0].At);
        Assert.All(cloud.Calls.Skip(1), call => Assert.Equal(cloud.Latency, call.At));
        Assert.Equal(2 * cloud.Latency, time.Elapsed);
    });

    [Fact]
    public void A_candidate_reads_nothing_but_its_permissions_if_another_node_was_faster() => Run(async (time, cloud, api) =>
    {
        await ProbeAsync(api, isVacant: false);
        Assert.Equal(["DescribeVSwitchAttributes", "DescribeRouteEntryList"], cloud.Calls.Select(call => call.Action));
    });

    [Fact]
    public void A_result_from_before_a_change_by_another_client_is_not_used() => Run(async (time, cloud, api) =>
    {
        await ProbeAsync(api, isVacant: true);
        await time.Pass(PrefetchingCloudApi.MaxAge);
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-other");
        Assert.Single((await api.DescribeRouteEntryListAsync(Region, "vtb-1", CancellationToken.None)).Value!);
    });

    [Fact]
    public void What_was_read_while_another_node_is_elected_is_not_used() => Run(async (time, cloud, api) =>
    {
        await ProbeAsync(api, isVacant: false);
        cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-other");
        Assert.Single((await api.DescribeRouteEntryListAsync(Region, "vtb-1", CancellationToken.None)).Value!);
    });

    [Fact]
    public void A_result_from_before_a_write_is_not_used() => Run(async (time, cloud, api) =>
    {
        cloud.Settling = TimeSpan.Zero;
        await ProbeAsync(api, isVacant: true);
        var entry = new AliCloud.Vpc.NewRouteEntry(
            "vtb-1", Flannel.Core.Addresses.Ipv4Network.Parse("10.24.1.0/24"), NextHops.Of(Self), "name", "");
        await api.CreateRouteEntriesAsync(Region, [entry], CancellationToken.None);
        Assert.Single((await api.DescribeRouteEntryListAsync(Region, "vtb-1", CancellationToken.None)).Value!);
    });

    [Fact]
    public void A_read_that_failed_is_repeated() => Run(async (time, cloud, api) =>
    {
        cloud.Faults = call => call is { Action: "DescribeVSwitches", N: < 6 } ? InMemoryCloudApi.Fault.Busy : null;
        await ProbeAsync(api, isVacant: true);
        Assert.Null((await api.DescribeVSwitchesAsync(Region, "vpc-1", CancellationToken.None)).Error);
    });

    [Fact]
    public void A_read_that_is_not_answered_is_repeated_when_it_is_too_old() => Run(async (time, cloud, api) =>
    {
        cloud.Faults = call => call is { Action: "DescribeVSwitches", N: < 6 }
            ? new InMemoryCloudApi.Fault(CloudErrorKind.Reread, "<timeout>", Delay: TimeSpan.FromMinutes(1))
            : null;
        await ProbeAsync(api, isVacant: true);
        Assert.Null((await api.DescribeVSwitchesAsync(Region, "vpc-1", CancellationToken.None)).Error);
        Assert.InRange(time.Elapsed, PrefetchingCloudApi.MaxAge, PrefetchingCloudApi.MaxAge + TimeSpan.FromMilliseconds(50));
    });

    private static void Run(Func<VirtualTime, InMemoryCloudApi, PrefetchingCloudApi, Task> test) => VirtualTime.Run(async time =>
    {
        var cloud = InMemoryCloudApi.WithOneTable(time);
        cloud.SourceDestChecks["eni-i-1"] = true;
        await test(time, cloud, new PrefetchingCloudApi(cloud, time));
    });

    private static async Task ProbeAsync(PrefetchingCloudApi api, bool isVacant) => Assert.IsType<PermissionProbeResult.Allowed>(
        await PermissionProbe.CanControlAsync(api, Self, _ => Task.FromResult(isVacant), CancellationToken.None));

    /// <summary>What a term reads before its first write.</summary>
    private static async Task ReadVpcAsync(PrefetchingCloudApi api)
    {
        Assert.Null((await api.DescribeRouteTableListAsync(Region, "vpc-1", CancellationToken.None)).Error);
        Assert.Null((await api.DescribeRouteEntryListAsync(Region, "vtb-1", CancellationToken.None)).Error);
        Assert.Null((await api.DescribeVpcAttributeAsync(Region, "vpc-1", CancellationToken.None)).Error);
        Assert.Null((await api.DescribeVSwitchesAsync(Region, "vpc-1", CancellationToken.None)).Error);
        Assert.Null((await api.DescribeNetworkInterfacesAsync(Region, ["eni-i-1"], CancellationToken.None)).Error);
    }
}
