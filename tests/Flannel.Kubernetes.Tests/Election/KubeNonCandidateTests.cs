using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>Why nodes are not candidates is published while none is elected.</summary>
public sealed class KubeNonCandidateTests
{
    private const string Reason = "the key from RAM role x: missing permission vpc:DescribeRouteEntryList";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_first_sixteen_of_many_nodes_are_stored_and_a_repeated_reason_costs_no_write() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var nodes = Enumerable.Range(1, 20).Select(cluster.Add).ToList();
        foreach (var node in nodes) await node.Election.ReportNotCandidateAsync(Reason, "1A2B", Cancel);
        var written = cluster.Server.Revision;
        foreach (var node in nodes) await node.Election.ReportNotCandidateAsync(Reason, "3C4D", Cancel);
        Assert.Equal(written, cluster.Server.Revision);
        var list = await ReaderOf(nodes[0]).ReadNonCandidatesAsync(2, Cancel);
        Assert.Equal((2, 16L), (list.Nodes.Count, list.Count));
        Assert.Equal($"i-1 (192.168.0.1): {Reason} (request 1A2B)", list.Nodes[0].ToString());
    });

    [Fact]
    public void A_changed_reason_replaces_the_one_before_and_a_new_run_deletes_it() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var node = cluster.Add(1);
        await node.Election.ReportNotCandidateAsync(Reason, "", Cancel);
        await node.Election.ReportNotCandidateAsync("no valid credentials", "", Cancel);
        var reader = ReaderOf(node);
        Assert.Equal("no valid credentials", Assert.Single((await reader.ReadNonCandidatesAsync(5, Cancel)).Nodes).Reason);
        await reader.DeleteNonCandidateAsync("i-1", Cancel);
        Assert.Equal(0, (await reader.ReadNonCandidatesAsync(5, Cancel)).Count);
        Assert.DoesNotContain(ControllerObjects.CandidatesAnnotation, cluster.Lease!.Annotations.Keys);
    });

    [Fact]
    public void The_election_removes_the_reasons_and_no_reason_is_published_during_a_term() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var node = cluster.Add(1);
        await node.Election.ReportNotCandidateAsync(Reason, "", Cancel);
        await cluster.UntilElectedAsync(cluster.Add(2).Start());
        await node.Election.ReportNotCandidateAsync(Reason, "", Cancel);
        Assert.Equal(0, (await ReaderOf(node).ReadNonCandidatesAsync(5, Cancel)).Count);
    });

    [Fact]
    public void Reasons_prolong_no_term_that_has_expired() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        first.PowerOff();
        var observers = Enumerable.Range(2, 5).Select(cluster.Add).ToList();
        foreach (var observer in observers) observer.StartObserving();
        await virtualTime.UntilAsync(
            "they see the end", () => observers.All(observer => observer.WasStandby is not null), 2 * ElectionFixture.Minute);
        foreach (var observer in observers)
        {
            await observer.Election.ReportNotCandidateAsync(Reason, "", Cancel);
            Assert.True(await observer.Election.IsVacantAsync(Cancel));
        }

        Assert.Equal(5, (await ReaderOf(observers[0]).ReadNonCandidatesAsync(5, Cancel)).Count);
        await cluster.UntilElectedAsync(cluster.Add(9).Start());
    });

    [Theory]
    [InlineData("get")]
    [InlineData("create")]
    public void A_missing_permission_harms_nothing(string verb) => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var node = cluster.Add(1);
        node.Api.Account.Deny(new AccessReview(verb, ModelAccount.LeaseGroup, "leases"));
        for (var i = 0; i < 3; i++) await node.Election.ReportNotCandidateAsync(Reason, "", Cancel);
        Assert.Null(cluster.Lease);
    });

    [Fact]
    public void An_annotation_of_another_program_counts_as_none() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var node = cluster.Add(1);
        foreach (var text in (string[])["", "[", "{}", "[null]", """[{"InstanceId":null}]""", "[1]"])
        {
            if (cluster.Lease is { } lease) cluster.Server.DeleteLease(lease.Name);
            cluster.Server.CreateLease(new KubeLease(ControllerObjects.Election(ElectionFixture.Namespace), "").With(
                ControllerObjects.CandidatesAnnotation, text));
            Assert.Equal(0, (await ReaderOf(node).ReadNonCandidatesAsync(5, Cancel)).Count);
        }
    });

    [Fact]
    public void A_node_reads_the_route_controller_until_it_stops_or_does_not_renew() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        var reader = ReaderOf(cluster.Add(2));
        await cluster.UntilElectedAsync(first);
        Assert.Equal(first.Self, await reader.ReadControllerAsync(Cancel));
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(first.Self, await reader.ReadControllerAsync(Cancel));
        first.PowerOff();
        await cluster.AdvanceAsync(TimeSpan.FromSeconds(30));
        Assert.Null(await reader.ReadControllerAsync(Cancel));
        var second = cluster.Add(3).Start();
        await cluster.UntilElectedAsync(second);
        await second.StopAsync();
        Assert.Null(await reader.ReadControllerAsync(Cancel));
    });

    private static KubeElectionReader ReaderOf(Candidate node) => new(node.Context);
}
