using Flannel.Core.Addresses;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Controller;

/// <summary>A route is deleted only after reads from etcd.</summary>
public sealed class KubeTermProofTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("10.24.5.0/24", TermProof.LeasesDiffer)]
    [InlineData("10.24.5.128/25", TermProof.LeasesDiffer)]
    [InlineData("10.24.0.0/16", TermProof.LeasesDiffer)]
    [InlineData("fd00:24:5::/64", TermProof.LeasesDiffer)]
    [InlineData("10.24.6.0/24", TermProof.Proven)]
    [InlineData("fd00:24:6::/64", TermProof.Proven)]
    public void A_subnet_is_absent_if_no_node_has_it_also_one_that_flannel_does_not_use(string subnet, TermProof expected) =>
        TermFixture.Run(async fixture =>
        {
            // The watch cache and its readers do not have the node yet.
            fixture.Server.FreezeCache();
            fixture.Server.CreateNode("a", "10.24.5.0/24", "fd00:24:5::/64");
            Assert.Equal(expected, await fixture.Term.ProveAsync([IpNetwork.Parse(subnet)], [], Cancel));
            Assert.True(fixture.Elected.IsElected);
        });

    [Fact]
    public void A_lease_whose_node_lost_its_annotations_is_one_that_exists() => TermFixture.Run(async fixture =>
    {
        fixture.AddNode("a", "10.24.5.0/24");
        fixture.Server.PatchNodeStatus("a", new NodeStatusPatch
        {
            Annotations = fixture.Server.GetNode("a").Annotations.ToDictionary(pair => pair.Key, _ => (string?)null),
        });
        // A deletion that counts on its absence would be refused forever, with all others of its batch.
        var lease = fixture.LeaseOf(fixture.Server.GetNode("a"));
        Assert.Equal(TermProof.Proven, await fixture.Term.ProveAsync([], [lease], Cancel));
        Assert.Equal(TermProof.LeasesDiffer, await fixture.Term.ProveAsync([lease.Subnet], [], Cancel));
    });

    [Fact]
    public void An_unchanged_lease_has_the_same_node_and_the_same_annotations() => TermFixture.Run(async fixture =>
    {
        var lease = fixture.AddNode("a", "10.24.5.0/24");
        fixture.Server.TouchNode("a");
        Assert.Equal(TermProof.Proven, await fixture.Term.ProveAsync([], [lease], Cancel));
        fixture.Server.PatchNodeStatus("a", new NodeStatusPatch
        {
            Annotations = new Dictionary<string, string?> { [fixture.Elected.Context.Kube.Annotations.PublicIp] = "192.168.0.9" },
        });
        Assert.Equal(TermProof.LeasesDiffer, await fixture.Term.ProveAsync([], [lease], Cancel));
        lease = fixture.LeaseOf(fixture.Server.GetNode("a"));
        fixture.Annotate(fixture.Server.RecreateNode("a", "10.24.5.0/24"));
        Assert.Equal(TermProof.LeasesDiffer, await fixture.Term.ProveAsync([], [lease], Cancel));
    });

    [Fact]
    public void All_pages_of_the_nodes_are_read() => TermFixture.Run(async fixture =>
    {
        for (var i = 0; i < 1200; i++) fixture.Server.CreateNode($"n{i:d4}", $"10.{i / 250}.{i % 250}.0/24");
        Assert.Equal(TermProof.LeasesDiffer, await fixture.Term.ProveAsync([IpNetwork.Parse("10.4.199.0/24")], [], Cancel));
        Assert.Equal(TermProof.Proven, await fixture.Term.ProveAsync([IpNetwork.Parse("10.4.201.0/24")], [], Cancel));
    });

    [Fact]
    public void Another_holder_ends_the_term_and_an_unavailable_API_server_does_not() => TermFixture.Run(async fixture =>
    {
        var term = fixture.Term;
        fixture.Server.IsAvailable = false;
        Assert.Equal(TermProof.Unproven, await term.ProveAsync([], [], Cancel));
        fixture.Server.IsAvailable = true;
        Assert.Equal(TermProof.Proven, await term.ProveAsync([], [], Cancel));
        fixture.Server.UpdateLease(fixture.Cluster.Lease! with { HolderIdentity = "another" });
        Assert.Equal(TermProof.Unproven, await term.ProveAsync([], [], Cancel));
        Assert.True(term.Lost.IsCancellationRequested);
    });

    [Fact]
    public void A_missing_permission_proves_nothing_and_is_logged_once() => TermFixture.Run(async fixture =>
    {
        fixture.Elected.Api.Account.Deny(new AccessReview("list", "", "nodes"));
        for (var i = 0; i < 3; i++)
            Assert.Equal(TermProof.Unproven, await fixture.Term.ProveAsync([IpNetwork.Parse("10.24.5.0/24")], [], Cancel));
        Assert.Equal(1, fixture.Logger.Count(6200));
        Assert.True(fixture.Elected.IsElected);
    });
}
