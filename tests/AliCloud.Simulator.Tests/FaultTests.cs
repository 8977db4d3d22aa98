using AliCloud.Simulator.Observing;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class FaultTests
{
    private static readonly (string, string)[] Region = [("RegionId", "cn-hangzhou")];

    [Fact]
    public async Task A_fault_with_a_code_replaces_the_effect()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault
        {
            Service = "vpc",
            Action = "CreateRouteEntry",
            Kind = FaultKind.Code,
            Code = "Throttling.User",
            Message = "slowly",
            Headers = new Dictionary<string, string> { ["x-ratelimit-user-api"] = "Limit:1,Remain:0,TimeLeft:700,Reset:1" },
        });
        var reply = await test.CreateAsync("10.24.1.0/24");
        reply.MustFail(400, "Throttling.User");
        Assert.Equal("Limit:1,Remain:0,TimeLeft:700,Reset:1", reply.Headers.GetValues("x-ratelimit-user-api").Single());
        Assert.DoesNotContain(test.Cloud.State.CustomRoutes(), r => r.DestinationCidrBlock == "10.24.1.0/24");
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
    }

    [Fact]
    public async Task A_status_has_a_body_that_is_not_of_the_api()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault { Kind = FaultKind.Status, HttpStatus = 502, Message = "Bad Gateway" });
        using var response = await test.Vpc.SendAsync("DescribeVpcs", Region);
        Assert.Equal((502, "text/html"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        test.Cloud.Faults.Add(new Fault { Kind = FaultKind.Status, HttpStatus = 403, Body = "<?xml version='1.0'?><Error/>" });
        using var xml = await test.Vpc.SendAsync("DescribeVpcs", Region);
        Assert.Equal((403, "text/xml"), ((int)xml.StatusCode, xml.Content.Headers.ContentType?.MediaType));
        Assert.Equal("<?xml version='1.0'?><Error/>", await xml.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_fault_may_apply_to_long_batches_only()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(
            new Fault { Service = "vpc", Action = "CreateRouteEntries", Kind = FaultKind.DropConnection, EntriesBeyond = 2, Times = -1 });
        await Assert.ThrowsAsync<HttpRequestException>(
            () => test.CreateManyAsync(("10.24.1.0/24", "i-1"), ("10.24.2.0/24", "i-1"), ("10.24.3.0/24", "i-1")));
        (await test.CreateManyAsync(("10.24.1.0/24", "i-1"), ("10.24.2.0/24", "i-1"))).MustSucceed();
    }

    [Theory]
    [InlineData(FaultKind.DropConnection, false)]
    [InlineData(FaultKind.DropAfterSuccess, true)]
    public async Task A_dropped_connection_has_no_response_and_perhaps_an_effect(FaultKind kind, bool effect)
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault { Action = "CreateRouteEntry", Kind = kind });
        await Assert.ThrowsAsync<HttpRequestException>(() => test.CreateAsync("10.24.1.0/24"));
        Assert.Equal(effect, test.Cloud.State.CustomRoutes().Any(r => r.DestinationCidrBlock == "10.24.1.0/24"));
        var call = Assert.Single(test.Cloud.Calls.All);
        Assert.Equal((0, kind == FaultKind.DropConnection ? "dropConnection" : "dropAfterSuccess"), (call.Status, call.Code));
    }

    [Theory]
    [InlineData(FaultKind.Delay, false)]
    [InlineData(FaultKind.TimeoutAfterSuccess, true)]
    public async Task A_delay_is_before_the_effect_and_a_timeout_after_it(FaultKind kind, bool effectAtOnce)
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault { Action = "CreateRouteEntry", Kind = kind, DelayMilliseconds = 60_000 });
        var answer = test.CreateAsync("10.24.1.0/24");
        if (effectAtOnce) await Until.TrueAsync(() => HasRoute(test));
        else await Until.TrueAsync(() => test.Cloud.Faults.All.Count == 0);
        Assert.False(answer.IsCompleted);
        Assert.Equal(effectAtOnce, HasRoute(test));

        // The delay may begin after the awaited event: the clock advances until the response is there.
        await Until.TrueAsync(() =>
        {
            test.Clock.Advance(TimeSpan.FromSeconds(60));
            return answer.IsCompleted;
        });
        (await answer).MustSucceed();
        Assert.True(HasRoute(test));

        static bool HasRoute(TestCloud test) => test.Cloud.State.CustomRoutes().Any(r => r.DestinationCidrBlock == "10.24.1.0/24");
    }

    [Fact]
    public async Task Faults_select_skip_and_count_calls()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(
            new Fault { Service = "vpc", Action = "Describe*", Kind = FaultKind.Code, Code = "SystemBusy", Skip = 1, Times = 2 });
        var codes = new List<string?>();
        for (var n = 0; n < 5; n++) codes.Add((await test.Vpc.CallAsync("DescribeVpcs", Region)).ErrorCode);
        Assert.Equal([null, "SystemBusy", "SystemBusy", null, null], codes);

        var id = test.Cloud.Faults.Add(new Fault { Service = "ecs", Kind = FaultKind.Code, Code = "SystemBusy", Times = -1 });
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustSucceed();
        for (var n = 0; n < 3; n++) (await test.Ecs.CallAsync("DescribeNetworkInterfaces", Region)).MustFail(400, "SystemBusy");
        Assert.True(test.Cloud.Faults.Remove(id));
        (await test.Ecs.CallAsync("DescribeNetworkInterfaces", Region)).MustSucceed();
    }

    [Fact]
    public async Task A_fault_with_a_probability_applies_to_some_calls()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault { Kind = FaultKind.Code, Code = "SystemBusy", Times = -1, Probability = 0.5 });
        var failed = 0;
        for (var n = 0; n < 100; n++) failed += (await test.Vpc.CallAsync("DescribeVpcs", Region)).Status == 200 ? 0 : 1;
        Assert.InRange(failed, 25, 75); // the simulator's random numbers are seeded: the result is always the same
    }

    [Fact]
    public async Task A_fault_does_not_hide_an_invalid_call()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(new Fault { Kind = FaultKind.Code, Code = "SystemBusy" });
        using var wrong = test.Client(Clouds.KeyId, "another secret");
        (await wrong.CallAsync("DescribeVpcs", Region)).MustFail(400, "SignatureDoesNotMatch");
        (await test.Vpc.CallAsync("DescribeVpcs", [.. Region, ("Typo", "1")])).MustFail(400, "InvalidParameter");
        (await test.Vpc.CallAsync("DescribeVpcs", Region)).MustFail(400, "SystemBusy");
    }

    [Fact]
    public async Task The_metadata_service_has_faults_too()
    {
        await using var test = await TestCloud.StartAsync();
        test.Cloud.Faults.Add(
            new Fault { Service = "metadata", Action = "GET /latest/meta-data/ram/*", Kind = FaultKind.Status, HttpStatus = 429 });
        Assert.Equal("i-1", await test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
        using var limited = await test.MetadataAsync("i-1", HttpMethod.Get, "/latest/meta-data/ram/security-credentials/");
        Assert.Equal(429, (int)limited.StatusCode);
        test.Cloud.Faults.Add(new Fault { Service = "metadata", Kind = FaultKind.DropConnection });
        await Assert.ThrowsAsync<HttpRequestException>(() => test.GetMetadataAsync("i-1", "/latest/meta-data/instance-id"));
    }

    [Fact]
    public async Task An_invalid_fault_is_rejected()
    {
        await using var test = await TestCloud.StartAsync();
        Fault[] invalid =
        [
            new() { Kind = FaultKind.Code }, new() { Kind = FaultKind.Delay }, new() { Kind = FaultKind.DropConnection, Times = 0 },
            new() { Kind = FaultKind.DropConnection, Probability = 0 }, new() { Kind = FaultKind.DropConnection, Service = "vcp" },
            new() { Kind = FaultKind.Status, HttpStatus = 42 }, new() { Kind = FaultKind.DropConnection, EntriesBeyond = -1 },
        ];
        Assert.All(invalid, f => Assert.Throws<FormatException>(() => test.Cloud.Faults.Add(f)));
        Assert.Empty(test.Cloud.Faults.All);
    }
}
