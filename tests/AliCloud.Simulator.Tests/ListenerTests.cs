using System.Globalization;
using System.Net.Sockets;

namespace AliCloud.Simulator.Tests;

public sealed class ListenerTests
{
    private static readonly (string, string)[] Region = [("RegionId", "cn-hangzhou")];

    [Fact]
    public async Task A_stopped_API_refuses_connections_and_restarts_on_its_port()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        var url = test.Cloud.Api;
        for (var n = 0; n < 3; n++)
        {
            await test.Cloud.StopApiAsync();
            var error = await Assert.ThrowsAsync<HttpRequestException>(() => test.Vpc.CallAsync("DescribeVpcs", Region));
            Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(error.InnerException).SocketErrorCode);
            Assert.Equal("i-1", await test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
            await test.Cloud.StartApiAsync(TestContext.Current.CancellationToken);
            Assert.Equal(url, test.Cloud.Api);
            (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        }
    }

    /// <summary>The kernel assigns the ports of this range to outgoing connections: a port that is free for a moment may be
    /// taken.</summary>
    [Fact]
    public async Task The_ports_of_the_services_are_outside_the_range_of_outgoing_connections()
    {
        await using var test = await TestCloud.StartAsync();
        var range = (await File.ReadAllTextAsync("/proc/sys/net/ipv4/ip_local_port_range", TestContext.Current.CancellationToken))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(
                port => int.Parse(port, CultureInfo.InvariantCulture)).ToList();
        Assert.NotInRange(test.Cloud.Api.Port, range[0], range[1]);
        Assert.NotInRange(test.Cloud.Control.Port, range[0], range[1]);
        Assert.NotInRange(test.Cloud.MetadataByInstance["i-1"].Port, range[0], range[1]);
    }

    [Fact]
    public async Task A_stop_resets_calls_in_progress()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new() { Kind = Observing.FaultKind.TimeoutAfterSuccess, DelayMilliseconds = 600_000 });
        var held = test.Vpc.CallAsync("DescribeVpcs", Region);
        await Until.TrueAsync(() => test.Cloud.Calls.All.Count == 1);
        await test.Cloud.StopApiAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HttpRequestException>(() => held);
    }

    [Fact]
    public async Task Metadata_services_stop_and_start_together()
    {
        await using var test = await TestCloud.StartAsync();
        await test.Cloud.StopMetadataAsync();
        await test.Cloud.AddInstanceAsync(
            Clouds.Instance("i-new", Clouds.Interface("eni-new", 7, "vsw-1", "192.168.1.77")), TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<HttpRequestException>(() => test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        await test.Cloud.StartMetadataAsync(TestContext.Current.CancellationToken);
        Assert.Equal("i-1", await test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
        Assert.Equal("i-new", await test.GetMetadataAsync("i-new", "/latest/meta-data/instance-id"));
    }
}
