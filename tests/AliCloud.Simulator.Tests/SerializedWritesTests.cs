using AliCloud.Simulator.State;
using CsCheck;

namespace AliCloud.Simulator.Tests;

public sealed class SerializedWritesTests
{
    [Fact]
    public async Task Every_write_conflicts_with_one_that_has_not_settled()
    {
        await using var test = await TestCloud.StartAsync();
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        test.Settle();
        var settled = test.Cloud.State.CustomRoutes().Single(r => r.DestinationCidrBlock == "10.24.1.0/24").RouteEntryId;
        var pending = (string)(await test.CreateAsync("10.24.2.0/24")).Body["RouteEntryId"]!;

        (await test.CreateAsync("10.24.3.0/24")).MustFail(400, "TaskConflict");
        (await test.CreateAsync("10.24.3.0/24", table: "vtb-2")).MustFail(400, "TaskConflict"); // the lock belongs to the VPC
        (await test.CreateManyAsync(("10.24.3.0/24", "i-1"))).MustFail(400, "TaskConflict");
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", settled))).MustFail(400, "TaskConflict");
        (await test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", pending))).MustFail(400, "IncorrectRouteEntryStatus");
        (await test.Vpc.CallAsync("DeleteRouteEntries", ("RegionId", "cn-hangzhou"), ("RouteEntries.1.RouteTableId", "vtb-1"),
            ("RouteEntries.1.RouteEntryId", settled))).MustFail(400, "TaskConflict");
        (await test.Vpc.CallAsync("ModifyRouteEntry", ("RegionId", "cn-hangzhou"), ("RouteEntryId", settled), ("NewNextHopId", "i-2")))
            .MustFail(400, "TaskConflict");
        (await test.Vpc.CallAsync("ModifyRouteEntry", ("RegionId", "cn-hangzhou"), ("RouteEntryId", pending), ("NewNextHopId", "i-2")))
            .MustFail(400, "IncorrectRouteEntryStatus");
        (await test.CreateAsync("10.24.3.0/24", "i-other", "vtb-other")).MustSucceed(); // another VPC has its own lock

        test.Settle();
        (await test.CreateAsync("10.24.3.0/24")).MustSucceed();
    }

    [Fact]
    public async Task Of_concurrent_writes_one_succeeds()
    {
        await using var test = await TestCloud.StartAsync();
        var replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(n => test.CreateAsync($"10.24.{n}.0/24")));
        Assert.Single(replies, r => r.Status == 200);
        Assert.Equal(31, replies.Count(r => r.ErrorCode == "TaskConflict"));
    }

    [Fact]
    public async Task Writes_without_duration_are_final_in_their_response()
    {
        await using var test = await TestCloud.StartAsync(w => w with { Settings = w.Settings with { RouteWriteMilliseconds = 0 } });
        (await test.CreateAsync("10.24.1.0/24")).MustSucceed();
        (await test.CreateManyAsync(("10.24.2.0/24", "i-1"), ("10.24.3.0/24", "i-1"))).MustSucceed();
        Assert.All(test.Cloud.State.CustomRoutes(), r => Assert.Equal(EntryState.Available, r.Status));
    }

    /// <summary>Random sequences of calls, from PCG stream 1, seeds 1 to 30.</summary>
    [Fact]
    public async Task No_sequence_of_calls_breaks_the_invariants()
    {
        var sequences = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 7], Gen.Int[0, 600]).Array[30];
        for (ulong seed = 1; seed <= 30; seed++)
        {
            await using var test = await TestCloud.StartAsync(w => w with { Settings = w.Settings with { RouteEntryQuota = 6 } });
            var done = 0;
            foreach (var (kind, n, milliseconds) in sequences.Generate(new PCG(1, seed), null, out _))
            {
                var before = test.Cloud.State.CustomRoutes("vpc-1");
                var busy = before.Any(r => r.Status != EntryState.Available);
                var reply = await CallAsync(test, kind, n);
                var after = test.Cloud.State.CustomRoutes("vpc-1");

                if (reply.Status == 200) done++;
                var description = $"seed {seed}: {kind} {n} gave {reply.Status} {reply.ErrorCode}";
                Assert.False(busy && (reply.Status == 200 || !before.SequenceEqual(after)), description + " during another write");
                Assert.True(after.Select(r => (r.RouteTableId, r.DestinationCidrBlock)).Distinct().Count() == after.Count,
                    description + " and made a duplicate");
                Assert.True(after.Count(r => r.RouteTableId == "vtb-1" && r.ServiceType is null) <= 6, description + " beyond the quota");
                Assert.True(after.Any(r => r.ServiceType == "TR"), description + " and took the managed entry");
                test.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
            }

            Assert.True(done > 0, $"seed {seed} did nothing");
        }
    }

    private static Task<ApiReply> CallAsync(TestCloud test, int kind, int n)
    {
        var destination = $"10.24.{n}.0/24";
        var id = test.Cloud.State.CustomRoutes("vpc-1").FirstOrDefault(r => r.DestinationCidrBlock == destination)?.RouteEntryId
            ?? "rte-none";
        return kind switch
        {
            0 => test.CreateAsync(destination),
            1 => test.CreateManyAsync((destination, "i-1"), ($"10.24.{n + 1}.0/24", "i-2")),
            2 => test.Vpc.CallAsync("DeleteRouteEntry", ("RouteEntryId", id)),
            3 => test.Vpc.CallAsync("DeleteRouteEntries", ("RegionId", "cn-hangzhou"), ("RouteEntries.1.RouteTableId", "vtb-1"),
                ("RouteEntries.1.RouteEntryId", id)),
            4 => test.Vpc.CallAsync(
                "ModifyRouteEntry", ("RegionId", "cn-hangzhou"), ("RouteEntryId", id), ("NewNextHopId", n % 2 == 0 ? "i-1" : "i-2")),
            _ => test.Vpc.CallAsync(
                "DeleteRouteEntry", ("RouteTableId", "vtb-1"), ("DestinationCidrBlock", "10.99.0.0/16"), ("NextHopId", "ngw-1")),
        };
    }
}
