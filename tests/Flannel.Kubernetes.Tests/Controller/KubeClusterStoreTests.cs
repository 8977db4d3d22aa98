using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Tests.Election;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Controller;

/// <summary>The cluster's id and the routes whose lease is missing are in a Lease that the election does not write.</summary>
public sealed class KubeClusterStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_id_is_created_once_and_later_terms_read_it() => VirtualTime.Run(async virtualTime =>
    {
        var cluster = new ElectionFixture(virtualTime);
        var first = cluster.Add(1).Start();
        await cluster.UntilElectedAsync(first);
        Assert.IsType<ClusterIdResult.Missing>(await KubeClusterStore.ReadAsync(first.Context, Cancel));
        first.Api.FailNext(ModelFault.ResponseLost, request => request.Access.Verb == "create");
        await Assert.ThrowsAsync<KubeException>(() => first.Term!.Cluster.EnsureAsync(Cancel));
        var created = await first.Term!.Cluster.EnsureAsync(Cancel);
        Assert.IsType<ClusterIdResult.Known>(created);
        Assert.True(await first.Term.Cluster.WriteAbsentLeasesAsync("""{"a":1}"""u8.ToArray(), Cancel));
        await first.StopAsync();
        cluster.Server.DeleteLease(cluster.Lease!.Name);
        var second = cluster.Add(2).Start();
        await cluster.UntilElectedAsync(second);
        Assert.Equal(created, await second.Term!.Cluster.EnsureAsync(Cancel));
        Assert.Equal("""{"a":1}"""u8.ToArray(), await second.Term.Cluster.ReadAbsentLeasesAsync(Cancel));
    });

    [Fact]
    public void An_API_server_that_rejects_each_creation_as_a_conflict_is_not_asked_without_end() => TermFixture.Run(async fixture =>
    {
        fixture.Elected.Api.Fault = request => request.Access.Verb == "create" ? new ModelFault(KubeErrorKind.Conflict) : null;
        await Assert.ThrowsAsync<KubeException>(() => fixture.Term.Cluster.EnsureAsync(Cancel));
        Assert.Equal(3, fixture.Elected.Api.Requests.Count(
            request => request.ToString() == "create leases kube-flannel/flanneld-ali-vpc-cluster"));
    });

    [Fact]
    public void An_id_of_another_program_is_not_replaced() => TermFixture.Run(async fixture =>
    {
        var name = ControllerObjects.Cluster(ElectionFixture.Namespace);
        fixture.Server.CreateLease(new KubeLease(name, "").With(ControllerObjects.ClusterAnnotation, "x"));
        Assert.IsType<ClusterIdResult.Unreadable>(await fixture.Term.Cluster.EnsureAsync(Cancel));
        Assert.Equal("x", fixture.Server.GetLease(name).Annotations[ControllerObjects.ClusterAnnotation]);
    });

    [Fact]
    public void A_document_that_is_too_large_for_an_annotation_is_not_stored_and_that_is_logged_once() => TermFixture.Run(async fixture =>
    {
        await fixture.Term.Cluster.EnsureAsync(Cancel);
        var large = new byte[250 * 1024];
        Array.Fill(large, (byte)'1');
        for (var i = 0; i < 3; i++) Assert.True(await fixture.Term.Cluster.WriteAbsentLeasesAsync(large, Cancel));
        Assert.Null(await fixture.Term.Cluster.ReadAbsentLeasesAsync(Cancel));
        Assert.Equal(1, fixture.Logger.Count(6208));
        Assert.True(await fixture.Term.Cluster.WriteAbsentLeasesAsync(large.AsMemory(0, 240 * 1024), Cancel));
        Assert.Equal(240 * 1024, (await fixture.Term.Cluster.ReadAbsentLeasesAsync(Cancel))!.Length);
    });

    [Fact]
    public void A_replaced_cluster_ends_the_term() => TermFixture.Run(async fixture =>
    {
        await fixture.Term.Cluster.EnsureAsync(Cancel);
        Assert.Equal(TermProof.Proven, await fixture.Term.ProveAsync([], [], Cancel));
        fixture.Server.DeleteLease(ControllerObjects.Cluster(ElectionFixture.Namespace));
        Assert.False(await fixture.Term.Cluster.WriteAbsentLeasesAsync("{}"u8.ToArray(), Cancel));
        var term = fixture.Term;
        Assert.Equal(TermProof.Unproven, await term.ProveAsync([], [], Cancel));
        Assert.True(term.Lost.IsCancellationRequested);
    });
}
