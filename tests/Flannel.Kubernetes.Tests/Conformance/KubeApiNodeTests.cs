using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>Reads and patches of nodes.</summary>
public abstract class KubeApiNodeTests : KubeApiTests
{
    private static readonly DateTimeOffset Transition = new(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);

    private static readonly NodeCondition Up = new(false, "FlannelIsUp", "Flannel is running on this node", Transition);

    [Fact]
    public async Task A_node_is_read_with_its_pod_cidrs_labels_and_provider()
    {
        await Server.CreateNodeAsync(new KubeNode("n1", "", "")
        {
            PodCidrs = ["10.24.1.0/24", "fd00:24:1::/64"],
            ProviderId = "cn-hangzhou.i-1",
            Labels = new Dictionary<string, string> { ["zone"] = "h" },
        });
        var node = await Api.GetNodeAsync("n1", Cancel);
        Assert.Equal("n1", node.Name);
        Assert.NotEmpty(node.Uid);
        Assert.True(Number(node.ResourceVersion) > 0);
        Assert.Equal(["10.24.1.0/24", "fd00:24:1::/64"], node.PodCidrs);
        Assert.Equal("cn-hangzhou.i-1", node.ProviderId);
        Assert.Equal("h", node.Labels["zone"]);
        Assert.Null(node.NetworkUnavailable);
        Assert.False(node.IsDeleting);
        Assert.Equal(0, node.CreationTime.Millisecond);
    }

    [Fact]
    public async Task A_node_without_pod_cidr_has_none() => Assert.Empty((await CreateNodeAsync("n1")).PodCidrs);

    [Fact]
    public async Task Requests_for_a_node_that_does_not_exist_fail()
    {
        await FailsAsync(KubeErrorKind.NotFound, () => Api.GetNodeAsync("absent", Cancel));
        await FailsAsync(KubeErrorKind.NotFound, () => Api.PatchNodeStatusAsync("absent", Annotate(Annotation, "x"), Cancel));
    }

    [Fact]
    public async Task A_patch_merges_annotations()
    {
        var created = await CreateNodeAsync("n1", "10.24.1.0/24");
        await Api.PatchNodeStatusAsync("n1", Annotate(OtherAnnotation, "kept"), Cancel);
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        Assert.Equal("ali-vpc", patched.Annotations[Annotation]);
        Assert.Equal("kept", patched.Annotations[OtherAnnotation]);
        Assert.True(Number(patched.ResourceVersion) > Number(created.ResourceVersion));
        Assert.Equal(created.Uid, patched.Uid);
        Assert.Equal(["10.24.1.0/24"], patched.PodCidrs);
        Assert.Equal(patched.ResourceVersion, (await Api.GetNodeAsync("n1", Cancel)).ResourceVersion);
    }

    [Fact]
    public async Task A_patch_with_null_deletes_an_annotation()
    {
        await CreateNodeAsync("n1");
        await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, null), Cancel);
        Assert.DoesNotContain(Annotation, patched.Annotations.Keys);
    }

    /// <summary>Readers treat an empty annotation as none.</summary>
    [Fact]
    public async Task A_patch_with_null_writes_an_empty_annotation_on_a_node_that_has_none()
    {
        Assert.Empty((await CreateNodeAsync("n1")).Annotations);
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, null), Cancel);
        Assert.Equal("", patched.Annotations[Annotation]);
    }

    /// <summary>The server stores the second of the write in <c>managedFields</c>: clients must not send such a patch.</summary>
    [Fact]
    public async Task A_patch_that_changes_nothing_changes_the_resource_version()
    {
        await CreateNodeAsync("n1");
        var patch = Annotate(Annotation, "ali-vpc") with { NetworkUnavailable = Up };
        var first = await Api.PatchNodeStatusAsync("n1", patch, Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1.1), Cancel);
        var second = await Api.PatchNodeStatusAsync("n1", patch, Cancel);
        Assert.NotEqual(first.ResourceVersion, second.ResourceVersion);
    }

    [Fact]
    public async Task A_patch_replaces_the_condition_and_leaves_the_annotations()
    {
        await CreateNodeAsync("n1");
        await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        var down = new NodeCondition(true, "NoRouteCreated", "no route", Transition + TimeSpan.FromMilliseconds(700));
        var patched = await Api.PatchNodeStatusAsync("n1", new NodeStatusPatch { NetworkUnavailable = down }, Cancel);
        Assert.Equal(down with { LastTransition = Transition }, patched.NetworkUnavailable);
        Assert.Equal("ali-vpc", patched.Annotations[Annotation]);
        patched = await Api.PatchNodeStatusAsync("n1", new NodeStatusPatch { NetworkUnavailable = Up }, Cancel);
        Assert.Equal(Up, patched.NetworkUnavailable);
        patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "vxlan"), Cancel);
        Assert.Equal(Up, patched.NetworkUnavailable);
    }

    [Fact]
    public async Task A_patch_for_another_uid_changes_nothing()
    {
        var node = await CreateNodeAsync("n1");
        await FailsAsync(
            KubeErrorKind.Conflict,
            () => Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "x") with { Uid = "c0ffee00-0000-4000-8000-000000000000" }, Cancel));
        Assert.Equal(node.ResourceVersion, (await Api.GetNodeAsync("n1", Cancel)).ResourceVersion);
        var patched = await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "x") with { Uid = node.Uid }, Cancel);
        Assert.Equal("x", patched.Annotations[Annotation]);
    }

    [Fact]
    public async Task Annotations_of_more_than_256_KiB_are_rejected()
    {
        await CreateNodeAsync("n1");
        await FailsAsync(
            KubeErrorKind.Invalid, () => Api.PatchNodeStatusAsync("n1", Annotate(Annotation, new string('x', 256 * 1024)), Cancel));
    }

    [Fact]
    public async Task A_recreated_node_has_another_uid_and_no_annotations()
    {
        var first = await CreateNodeAsync("n1", "10.24.1.0/24");
        await Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel);
        await Server.DeleteNodeAsync("n1");
        await FailsAsync(KubeErrorKind.NotFound, () => Api.GetNodeAsync("n1", Cancel));
        var second = await CreateNodeAsync("n1", "10.24.2.0/24");
        Assert.NotEqual(first.Uid, second.Uid);
        Assert.Empty(second.Annotations);
        await FailsAsync(
            KubeErrorKind.Conflict, () => Api.PatchNodeStatusAsync("n1", Annotate(Annotation, "x") with { Uid = first.Uid }, Cancel));
    }

    [Fact]
    public async Task A_write_of_the_kubelet_changes_only_the_resource_version()
    {
        var before = await CreateNodeAsync("n1", "10.24.1.0/24");
        await Server.TouchNodeAsync("n1");
        var after = await Api.GetNodeAsync("n1", Cancel);
        Assert.NotEqual(before.ResourceVersion, after.ResourceVersion);
        Assert.Equal((before.Uid, before.CreationTime, before.PodCidrs[0]), (after.Uid, after.CreationTime, after.PodCidrs[0]));
    }
}
