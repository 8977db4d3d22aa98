using Flannel.AliCloud.Http;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Planning;
using Flannel.RouteController.Tests.Support;

using Fault = Flannel.RouteController.Tests.Support.InMemoryCloudApi.Fault;

namespace Flannel.RouteController.Tests;

public sealed class RouteControllerFailureTests
{
    [Fact]
    public void Task_conflicts_are_retried_with_a_growing_back_off() => Cluster.Run(async cluster =>
    {
        var conflicts = 8;
        cluster.Cloud.Faults = call => call.IsWrite && conflicts-- > 0 ? Fault.Busy : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        var attempts = cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.At).ToList();
        Assert.Equal(9, attempts.Count);
        var pauses = attempts.Zip(attempts.Skip(1), (a, b) => b - a).ToList();
        Assert.InRange(pauses[0], TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(400));
        Assert.InRange(pauses[^1], TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(12));
    });

    [Fact]
    public void A_throttled_write_is_retried_after_the_time_in_the_response() => Cluster.Run(async cluster =>
    {
        var hint = TimeSpan.FromSeconds(17);
        var throttled = 1;
        cluster.Cloud.Faults = call =>
            call.IsWrite && throttled-- > 0 ? new Fault(CloudErrorKind.Retry, "Throttling.User", RetryAfter: hint) : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        var attempts = cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.At).ToList();
        Assert.Equal(2, attempts.Count);
        Assert.InRange(attempts[1] - attempts[0], hint, hint + TimeSpan.FromSeconds(1));
    });

    [Fact]
    public void A_timeout_after_success_is_recognized_by_reading_again() => Cluster.Run(async cluster =>
    {
        var faults = 1;
        cluster.Cloud.Faults = call => call.IsWrite && faults-- > 0 ? Fault.TimeoutAfterSuccess : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(1, cluster.Cloud.Writes);
        Assert.Equal(1, cluster.Log.Count(3500));
    });

    /// <summary>In an outage of the API the answer to a write is lost, and the reads after it fail.</summary>
    [Theory]
    [InlineData("DescribeRouteEntryList")]
    [InlineData("DescribeRouteTableList")]
    public void A_creation_whose_answer_was_lost_is_logged_and_counted_also_if_the_next_reads_fail(string failing) =>
        Cluster.Run(async cluster =>
        {
            var (isAnswerLost, failures) = (false, 3);
            cluster.Cloud.Faults = call =>
            {
                if (isAnswerLost) return call.Action == failing && failures-- > 0 ? Fault.NoConnection : null;
                isAnswerLost = call.IsWrite;
                return isAnswerLost ? Fault.TimeoutAfterSuccess : null;
            };
            cluster.Start();
            cluster.Join("10.24.1.0/24", "i-1");
            await cluster.UntilAvailable("10.24.1.0/24");
            await cluster.Time.Pass(TimeSpan.FromMinutes(5));
            Assert.True(failures <= 0);
            Assert.Equal(1, cluster.Cloud.Writes);
            Assert.Equal(1, cluster.Log.Count(3500));
            Assert.Equal(1, cluster.Controller.Snapshot.Writes.Created);
        });

    [Fact]
    public void One_unknown_instance_is_rejected_and_delays_no_other_node() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.UnknownHops.Add("i-2");
        cluster.Start();
        for (var i = 1; i <= 3; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.3.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Rejected);
        var status = cluster.Status("10.24.2.0/24")!;
        Assert.Contains("InvalidNextHop.NotFound", status.Message, StringComparison.Ordinal);
        Assert.StartsWith("R-", status.RequestId, StringComparison.Ordinal);
        var (writes, publications) = (cluster.Cloud.Writes, cluster.Term.Statuses.Published.Count);
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        // Retried slowly; and the status is not published repeatedly.
        Assert.InRange(cluster.Cloud.Writes - writes, 2, 8);
        Assert.InRange(cluster.Term.Statuses.Published.Count - publications, 0, 8);
        cluster.Cloud.UnknownHops.Clear();
        await cluster.UntilAvailable("10.24.2.0/24");
    });

    [Fact]
    public void One_next_hop_that_fails_its_batch_is_separated_from_the_valid_ones() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.UnknownHops.Add("i-13");
        cluster.Cloud.UnknownHopFailsBatch = true;
        for (var i = 1; i <= 30; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(1, 30).Where(i => i != 13).Select(i => $"10.24.{i}.0/24")]);
        await cluster.UntilState("10.24.13.0/24", RouteState.Rejected);
        Assert.InRange(cluster.Cloud.Writes, 4, 16);
        Assert.Equal(1, cluster.Log.Count(3503));
    });

    [Fact]
    public void Batches_that_a_gateway_rejects_as_too_long_stay_smaller() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.Action is "CreateRouteEntries" or "DeleteRouteEntries" && call.Subjects.Count > 20
            ? new Fault(CloudErrorKind.Reread, "<answer>") { HttpStatus = 414 } : null;
        for (var i = 1; i <= 60; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(1, 60).Select(i => $"10.24.{i}.0/24")]);
        Assert.Equal([50, 25, 12, 12, 12, 12, 12], cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.Subjects.Count));
        Assert.Equal(0, cluster.Log.Count(3522));
    });

    [Theory]
    [InlineData("<timeout>", 0)]
    [InlineData("<answer>", 0)]
    [InlineData("InternalError", 500)]
    public void Batches_without_a_valid_response_shrink_until_they_get_one(string code, int status) => Cluster.Run(async cluster =>
    {
        // A gateway on the path drops every request with more than ten entries.
        var kind = code.StartsWith('<') ? CloudErrorKind.Reread : CloudErrorKind.Retry;
        cluster.Cloud.Faults = call => call.Action is "CreateRouteEntries" or "DeleteRouteEntries" && call.Subjects.Count > 10
            ? new Fault(kind, code, Delay: TimeSpan.FromSeconds(20)) { HttpStatus = status } : null;
        for (var i = 1; i <= 60; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(1, 60).Select(i => $"10.24.{i}.0/24")]);
        var sizes = cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.Subjects.Count).ToList();
        Assert.Equal([50, 50, 25, 25, 12, 12, 6], sizes[..7]);
        // The size that works is found: only requests that test a larger one are lost after that.
        Assert.InRange(sizes.Count(size => size > 10), 6, 10);
        Assert.False(cluster.Running.IsCompleted); // the term continues while routes are created
        Assert.InRange(cluster.Log.Count(3526), 3, 7);

        // Deletions have the same limit and find it independently. Released routes, because stale ones are deleted a few at a time.
        for (var i = 1; i <= 60; i++) cluster.Leases.Release($"10.24.{i}.0/24");
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 0);
        var deletions = cluster.Cloud.Calls.Where(call => call.Action == "DeleteRouteEntries").Select(call => call.Subjects.Count).ToList();
        Assert.Equal([50, 50, 25, 25, 12, 12, 6], deletions[..7]);
        Assert.InRange(deletions.Count(size => size > 10), 6, 10);
    });

    [Fact]
    public void A_failed_deletion_that_names_no_entry_counts_as_success_for_no_entry() => Cluster.Run(async cluster =>
    {
        for (var i = 1; i <= 4; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(1, 4).Select(i => $"10.24.{i}.0/24")]);
        cluster.Cloud.LockedDestinations.Add("10.24.3.0/24");
        cluster.Cloud.HidesFailedDestinations = true;
        for (var i = 1; i <= 4; i++) cluster.Leases.Release($"10.24.{i}.0/24");
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 1);
        await cluster.Time.Until(() => cluster.Log.Lines.Any(line => line.Id == 3503
            && line.Text.Contains("10.24.3.0/24", StringComparison.Ordinal)));
        Assert.DoesNotContain(cluster.Log.Lines, line => line.Id == 3502 && line.Text.Contains("10.24.3.0/24", StringComparison.Ordinal));
        Assert.Equal(3, cluster.Log.Count(3502));
        Assert.Equal(3, cluster.Controller.Snapshot.Writes.Deleted);

        cluster.Cloud.LockedDestinations.Clear();
        await cluster.Time.Until(() => cluster.Cloud.Tables["vtb-1"].Entries.Count == 0);
        await cluster.Time.Until(() => cluster.Controller.Snapshot.Writes.Deleted == 4);
    });

    [Fact]
    public void A_failure_that_names_no_destination_counts_as_success_for_no_entry() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.UnknownHops.Add("i-3");
        cluster.Cloud.HidesFailedDestinations = true;
        for (var i = 1; i <= 4; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.4.0/24");
        await cluster.UntilState("10.24.3.0/24", RouteState.Rejected);
        Assert.Contains("InvalidNextHop.NotFound", cluster.Status("10.24.3.0/24")!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Log.Lines, line => line.Id == 3500 && line.Text.Contains("10.24.3.0/24", StringComparison.Ordinal));
        Assert.Equal(3, cluster.Log.Count(3500));
        Assert.InRange(cluster.Cloud.Writes, 2, 8);
    });

    [Fact]
    public void Destinations_inside_the_clouds_own_range_are_created_one_by_one_without_a_failure() => Cluster.Run(async cluster =>
    {
        cluster.Leases.Config = InMemoryLeases.ConfigFor("100.64.0.0/16");
        for (var i = 1; i <= 5; i++) cluster.Join($"100.64.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable([.. Enumerable.Range(1, 5).Select(i => $"100.64.{i}.0/24")]);
        Assert.Equal(["CreateRouteEntry"], cluster.Cloud.Calls.Where(call => call.IsWrite).Select(call => call.Action).Distinct());
        // Each write takes effect after the one before it, without further pauses.
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal(0, cluster.Log.Count(3503));
    });

    [Fact]
    public void The_ranges_of_the_vSwitches_are_published_for_nodes_that_choose_a_subnet() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-1", "vtb-1", "192.168.64.0/18");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.Equal(["192.168.1.0/24", "192.168.64.0/18"], cluster.Term.Statuses.VSwitches["vpc-1"].Select(range => range.ToString())
            .Order(StringComparer.Ordinal));
        // A vSwitch that is created later is found even if no route is created.
        cluster.Cloud.AddVSwitch("vsw-3", "vpc-1", "vtb-1", "192.168.4.0/24");
        await cluster.Time.Until(() => cluster.Term.Statuses.VSwitches["vpc-1"].Count == 3);
    });

    [Fact]
    public void A_term_without_writes_publishes_the_ranges_of_the_vSwitches() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.1.0/24", "i-1");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.Time.Until(() => cluster.Term.Statuses.VSwitches.ContainsKey("vpc-1"));
        Assert.Equal(0, cluster.Cloud.Writes);
    });

    [Fact]
    public void Throttled_reads_are_retried_after_the_time_in_the_response_and_reported_as_throttled() => Cluster.Run(async cluster =>
    {
        var hint = TimeSpan.FromSeconds(6);
        var began = cluster.Time.Elapsed;
        cluster.Cloud.Faults = call =>
            call.Action.StartsWith("Describe", StringComparison.Ordinal) && cluster.Time.Elapsed - began < 3 * hint
            ? new Fault(CloudErrorKind.Retry, "Throttling.User", RetryAfter: hint) : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.Time.Until(() => cluster.Status("10.24.1.0/24")?.Message.Contains("throttles", StringComparison.Ordinal) == true);
        Assert.Equal(RouteState.Pending, cluster.State("10.24.1.0/24"));
        await cluster.UntilAvailable("10.24.1.0/24");
        var reads = cluster.Cloud.Calls.Where(call => call.Action == "DescribeRouteTableList").Select(call => call.At).ToList();
        Assert.All(reads.Zip(reads.Skip(1), (a, b) => b - a), pause => Assert.InRange(pause, hint, hint + TimeSpan.FromSeconds(1)));
        Assert.InRange(cluster.Time.Elapsed - began, 3 * hint, 3 * hint + TimeSpan.FromSeconds(5));
    });

    [Fact]
    public void A_busy_next_hop_delays_no_other_node() => Cluster.Run(async cluster =>
    {
        // The API rejects the whole call, although only one instance is not ready.
        cluster.Cloud.Faults = call => call.IsWrite && call.Subjects.Any(s => s.EndsWith(" i-2", StringComparison.Ordinal))
            ? new Fault(CloudErrorKind.Retry, "IncorrectInstanceStatus") : null;
        for (var i = 1; i <= 4; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        cluster.Start();
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.3.0/24", "10.24.4.0/24");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Equal(RouteState.Pending, cluster.State("10.24.2.0/24"));
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.2.0/24");
    });

    [Fact]
    public void A_full_table_is_reported_with_a_remedy_and_recovers_when_routes_are_deleted() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 3;
        var unmanaged = cluster.Cloud.AddEntry("vtb-1", "172.16.0.0/12", "i-vpn");
        cluster.Start();
        for (var i = 1; i <= 4; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.Time.Until(() => cluster.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.Available) == 2
            && cluster.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.QuotaExceeded) == 2);
        var message = cluster.Term.Statuses.ByKey.Values.First(s => s.State == RouteState.QuotaExceeded).Message;
        Assert.Contains("vpc_quota_route_entrys_num", message, StringComparison.Ordinal);
        Assert.Contains("vxlan", message, StringComparison.Ordinal);
        var writes = cluster.Cloud.Writes;
        var routed = Routed();
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.InRange(cluster.Cloud.Writes - writes, 2, 10);
        Assert.Equal(1, cluster.Log.Count(3503));
        // No node loses its route to another one.
        Assert.Equal(routed, Routed());

        cluster.Cloud.Tables["vtb-1"].Entries.Remove(unmanaged);
        var deleted = cluster.Time.Elapsed;
        await cluster.Time.Until(() => cluster.Term.Statuses.ByKey.Values.Count(s => s.State == RouteState.Available) == 3);
        // The next resync detects the room, not the slow retry.
        Assert.InRange(cluster.Time.Elapsed - deleted, TimeSpan.Zero, TimeSpan.FromSeconds(65));
        cluster.Cloud.Quota = 200;
        await cluster.Time.Until(() => cluster.Term.Statuses.ByKey.Values.All(s => s.State == RouteState.Available));

        List<string> Routed() =>
            [.. cluster.Term.Statuses.ByKey.Where(each => each.Value.State == RouteState.Available).Select(each => each.Key).Order()];
    });

    [Fact]
    public void A_route_that_failed_for_another_reason_before_waits_like_the_others_when_the_table_is_full() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Quota = 1;
        cluster.Cloud.UnknownHops.Add("i-2");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilState("10.24.2.0/24", RouteState.Rejected);
        cluster.Cloud.UnknownHops.Clear();
        await cluster.UntilState("10.24.2.0/24", RouteState.QuotaExceeded);
        var writes = cluster.Cloud.Writes;
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.InRange(cluster.Cloud.Writes - writes, 2, 10);
        Assert.Equal(RouteState.QuotaExceeded, cluster.State("10.24.2.0/24"));
    });

    [Fact]
    public void An_occupied_destination_is_a_conflict_that_names_the_entry() => Cluster.Run(async cluster =>
    {
        var other = OwnershipMark.Of(InMemoryTerm.OtherCluster);
        var entry = cluster.Cloud.AddEntry("vtb-1", "10.24.1.0/24", "i-theirs", other.Token, other.Description);
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
        await cluster.UntilState("10.24.1.0/24", RouteState.Conflict);
        Assert.Contains(entry.Id, cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        await cluster.Time.Pass(TimeSpan.FromMinutes(20));
        Assert.Equal("i-theirs", cluster.Hop("10.24.1.0/24"));
        Assert.Equal(1, cluster.Log.Count(3504));
        cluster.Cloud.Tables["vtb-1"].Entries.Remove(entry);
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void A_duplicate_that_no_listing_shows_becomes_a_conflict() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = call => call.IsWrite ? new Fault(CloudErrorKind.Reread, "OperationFailed.CidrConflictWithPrefixList") : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilState("10.24.1.0/24", RouteState.Conflict);
        Assert.Contains("CidrConflictWithPrefixList", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        var writes = cluster.Cloud.Writes;
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.InRange(cluster.Cloud.Writes - writes, 1, 20);
    });

    [Fact]
    public void Without_the_permission_for_batches_routes_are_created_one_by_one() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:CreateRouteEntries");
        cluster.Start();
        for (var i = 1; i <= 3; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24", "10.24.3.0/24");
        Assert.Equal((1, 3), (cluster.Cloud.Count("CreateRouteEntries"), cluster.Cloud.Count("CreateRouteEntry")));
        // Once the permission is granted, batches are used again in the same term.
        cluster.Cloud.DeniedActions.Clear();
        await cluster.Time.Pass(TimeSpan.FromMinutes(11));
        for (var i = 11; i <= 13; i++) cluster.Join($"10.24.{i}.0/24", $"i-{i}");
        await cluster.UntilAvailable("10.24.11.0/24", "10.24.12.0/24", "10.24.13.0/24");
        Assert.Equal((2, 3), (cluster.Cloud.Count("CreateRouteEntries"), cluster.Cloud.Count("CreateRouteEntry")));
        Assert.Equal(1, cluster.Log.Count(3520));
    });

    [Fact]
    public void An_update_that_exceeds_the_quota_is_retried_slowly() => Cluster.Run(async cluster =>
    {
        cluster.AddMarked("10.24.1.0/24", "i-before");
        cluster.Cloud.Faults = call =>
            call.Action == "ModifyRouteEntry" ? new Fault(CloudErrorKind.Quota, "Forbidden.CheckEntryRuleQuota") : null;
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Start();
        await cluster.UntilState("10.24.1.0/24", RouteState.QuotaExceeded);
        await cluster.Time.Pass(TimeSpan.FromMinutes(30));
        Assert.InRange(cluster.Cloud.Writes, 2, 12);
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.1.0/24");
    });

    [Fact]
    public void Retries_of_a_request_repeat_its_client_token_and_the_next_request_has_another() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:CreateRouteEntries");
        var (conflicts, mustDelete) = (2, true);
        cluster.Cloud.Faults = call =>
        {
            if (call.Action == "CreateRouteEntry" && conflicts-- > 0) return Fault.Busy;
            // The first entry is deleted before it is read.
            if (call.Action == "DescribeRouteEntryList" && mustDelete && cluster.Cloud.Tables["vtb-1"].Entries.Count > 0)
            {
                mustDelete = false;
                cluster.Cloud.Tables["vtb-1"].Entries.Clear();
            }

            return null;
        };
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        var tokens = cluster.Cloud.Calls.Where(call => call.Action == "CreateRouteEntry").Select(call => call.Subjects[1]).ToList();
        Assert.Equal(4, tokens.Count);
        Assert.Single(tokens.Take(3).Distinct());
        Assert.NotEqual(tokens[2], tokens[3]);
    });

    [Theory]
    [InlineData("vpc:CreateRouteEntries", "vpc:CreateRouteEntry")]
    [InlineData("vpc:DescribeRouteEntryList", "vpc:DescribeRouteEntryList")]
    public void Missing_permissions_are_reported_to_the_nodes_and_end_the_term(string action, string named) => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add(action);
        cluster.Cloud.DeniedActions.Add(named);
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        var end = await cluster.Running;
        Assert.Equal(new TermResult.Denied(named), end);
        Assert.Equal(RouteState.Denied, cluster.State("10.24.1.0/24"));
        Assert.Contains(named, cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_removed_permission_does_not_change_the_status_of_available_nodes() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.DeniedActions.Add("vpc:DescribeRouteEntryList");
        Assert.IsType<TermResult.Denied>(await cluster.Running);
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
    });

    [Fact]
    public void A_missing_permission_to_delete_does_not_stop_other_writes() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("vpc:DeleteRouteEntries");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.JoinAndEndAsync("10.24.9.0/24", "i-gone");
        await cluster.Time.Pass(TimeSpan.FromMinutes(10));
        Assert.False(cluster.Running.IsCompleted);
        Assert.InRange(cluster.Cloud.Count("DeleteRouteEntries"), 2, 8);
        Assert.Equal(1, cluster.Log.Count(3503));
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.2.0/24");
    });

    [Fact]
    public void An_unavailable_API_ends_the_term_and_only_new_nodes_become_unreachable() => Cluster.Run(async cluster =>
    {
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        cluster.Cloud.Faults = _ => Fault.NoConnection;
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilState("10.24.2.0/24", RouteState.Unreachable);
        var end = await cluster.Running;
        Assert.Equal(new TermResult.Unreachable("<connect>"), end);
        Assert.Equal(RouteState.Available, cluster.State("10.24.1.0/24"));
    });

    [Fact]
    public void An_api_that_recovers_in_time_does_not_end_the_term() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = _ => Fault.NoConnection;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        var wakes = cluster.Time.Wakes;
        await cluster.Time.Pass(TimeSpan.FromSeconds(60));
        // The controller does not spin while it waits.
        Assert.InRange(cluster.Time.Wakes - wakes, 1, 300);
        Assert.Equal(RouteState.Unreachable, cluster.State("10.24.1.0/24"));
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.False(cluster.Running.IsCompleted);
    });

    [Fact]
    public void Invalid_credentials_end_the_term() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.Faults = _ => new Fault(CloudErrorKind.RefreshCredentials, "<credentials>");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        Assert.Equal(new TermResult.NoCredentials("<credentials>"), await cluster.Running);
    });

    [Fact]
    public void A_vpc_that_is_denied_does_not_stop_another() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-2", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-2", "vtb-2");
        cluster.Cloud.Faults = call => call.VpcId == "vpc-2" && call.Action == "DescribeRouteEntryList"
            ? new Fault(CloudErrorKind.Denied, "Forbidden.RAM")
            : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2", "vpc-2");
        await cluster.UntilAvailable("10.24.1.0/24");
        await cluster.UntilState("10.24.2.0/24", RouteState.Denied);
        await cluster.Time.Pass(TimeSpan.FromMinutes(5));
        Assert.False(cluster.Running.IsCompleted);
        cluster.Join("10.24.3.0/24", "i-3");
        await cluster.UntilAvailable("10.24.3.0/24");
    });

    [Fact]
    public void A_vpc_that_does_not_settle_does_not_delay_another() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.AddTable("vpc-2", "vtb-2");
        cluster.Cloud.AddVSwitch("vsw-2", "vpc-2", "vtb-2");
        cluster.Cloud.Faults = call => call is { VpcId: "vpc-2", IsWrite: true } ? Fault.Busy : null;
        cluster.Start();
        cluster.Join("10.24.2.0/24", "i-2", "vsw-2", "vpc-2");
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1.5));
        Assert.Null(cluster.Cloud.Tables["vtb-1"].At("10.24.2.0/24"));
        cluster.Cloud.Faults = _ => null;
        await cluster.UntilAvailable("10.24.2.0/24");
        Assert.Equal("i-2", cluster.Hop("10.24.2.0/24", "vtb-2"));
    });

    [Fact]
    public void A_denied_change_of_the_source_destination_check_is_a_remark_and_one_warning() => Cluster.Run(async cluster =>
    {
        cluster.Cloud.DeniedActions.Add("ecs:ModifyNetworkInterfaceAttribute");
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        cluster.Join("10.24.2.0/24", "i-2");
        await cluster.UntilAvailable("10.24.1.0/24", "10.24.2.0/24");
        Assert.Contains("ecs:ModifyNetworkInterfaceAttribute", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        Assert.Equal(1, cluster.Log.Count(3531));
        cluster.Cloud.DeniedActions.Clear();
        await cluster.Time.Until(() => cluster.Status("10.24.1.0/24")!.Message.Length == 0);
        Assert.DoesNotContain(true, cluster.Cloud.SourceDestChecks.Values);
    });

    [Fact]
    public void A_conflict_at_the_source_destination_check_is_retried_and_delays_the_status_briefly() => Cluster.Run(async cluster =>
    {
        var conflicts = 20;
        cluster.Cloud.Faults = call => call.Action == "ModifyNetworkInterfaceAttribute" && conflicts-- > 0
            ? new Fault(CloudErrorKind.Retry, "InvalidOperation.Conflict") : null;
        cluster.Start();
        cluster.Join("10.24.1.0/24", "i-1");
        await cluster.UntilAvailable("10.24.1.0/24");
        Assert.InRange(cluster.Time.Elapsed, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(5));
        Assert.Contains("InvalidOperation.Conflict", cluster.Status("10.24.1.0/24")!.Message, StringComparison.Ordinal);
        await cluster.Time.Until(() => cluster.Status("10.24.1.0/24")!.Message.Length == 0);
        Assert.False(cluster.Cloud.SourceDestChecks["eni-i-1"]);
    });
}
