using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>Lists of nodes.</summary>
public abstract class KubeApiListTests : KubeApiTests
{
    [Fact]
    public async Task A_list_has_all_nodes_in_the_order_of_their_names()
    {
        foreach (var name in (string[])["n2", "n10", "n1"]) await CreateNodeAsync(name);
        var list = await Api.ListNodesAsync(new NodeListRequest(), Cancel);
        Assert.Equal(["n1", "n10", "n2"], list.Nodes.Select(node => node.Name));
        Assert.Null(list.Continue);
        Assert.True(Number(list.ResourceVersion) >= list.Nodes.Max(node => Number(node.ResourceVersion)));
    }

    [Fact]
    public async Task A_list_of_one_name_has_that_node()
    {
        await CreateNodeAsync("n1");
        await CreateNodeAsync("n2");
        Assert.Equal(["n2"], (await Api.ListNodesAsync(new NodeListRequest("n2"), Cancel)).Nodes.Select(node => node.Name));
        Assert.Empty((await Api.ListNodesAsync(new NodeListRequest("n3"), Cancel)).Nodes);
    }

    /// <summary>The pages show one state, whatever is written between them.</summary>
    [Fact]
    public async Task Pages_show_the_state_of_the_first_page()
    {
        for (var i = 1; i <= 5; i++) await CreateNodeAsync($"n{i}");
        var page = await Api.ListNodesAsync(new NodeListRequest { Limit = 2 }, Cancel);
        var version = page.ResourceVersion;
        var names = page.Nodes.Select(node => node.Name).ToList();
        await CreateNodeAsync("n6");
        await Server.DeleteNodeAsync("n4");
        while (page.Continue is { } token)
        {
            page = await Api.ListNodesAsync(new NodeListRequest { Limit = 2, Continue = token }, Cancel);
            Assert.Equal(version, page.ResourceVersion);
            names.AddRange(page.Nodes.Select(node => node.Name));
        }

        Assert.Equal(["n1", "n2", "n3", "n4", "n5"], names);
    }

    [Fact]
    public async Task An_exact_list_shows_the_nodes_of_its_version_until_a_compaction()
    {
        for (var i = 1; i <= 3; i++) await CreateNodeAsync($"n{i}");
        var version = (await Api.ListNodesAsync(new NodeListRequest(), Cancel)).ResourceVersion;
        await Server.DeleteNodeAsync("n2");
        await CreateNodeAsync("n4");
        var request = new NodeListRequest { ResourceVersion = version, IsExact = true, Limit = 2 };
        var first = await Api.ListNodesAsync(request, Cancel);
        var second = await Api.ListNodesAsync(new NodeListRequest { Limit = 2, Continue = first.Continue }, Cancel);
        Assert.Equal(["n1", "n2", "n3"], first.Nodes.Concat(second.Nodes).Select(node => node.Name));
        Assert.Equal((version, version), (first.ResourceVersion, second.ResourceVersion));
        await Server.CompactAsync();
        await FailsAsync(KubeErrorKind.Expired, () => Api.ListNodesAsync(request, Cancel));
    }

    [Fact]
    public async Task Pages_cannot_continue_after_a_compaction()
    {
        for (var i = 1; i <= 3; i++) await CreateNodeAsync($"n{i}");
        var page = await Api.ListNodesAsync(new NodeListRequest { Limit = 2 }, Cancel);
        await CreateNodeAsync("n4");
        await Server.CompactAsync();
        await FailsAsync(
            KubeErrorKind.Expired, () => Api.ListNodesAsync(new NodeListRequest { Limit = 2, Continue = page.Continue }, Cancel));
    }

    [Fact]
    public async Task An_invalid_token_is_rejected() => await FailsAsync(
        KubeErrorKind.Invalid, () => Api.ListNodesAsync(new NodeListRequest { Limit = 2, Continue = "invalid" }, Cancel));

    [Fact]
    public async Task A_list_from_the_cache_ignores_the_limit()
    {
        for (var i = 1; i <= 3; i++) await CreateNodeAsync($"n{i}");
        // The watch has shown the last node: the cache has it.
        await foreach (var first in Api.WatchNodesAsync("n3", "0", Cancel))
        {
            Assert.Equal("n3", Assert.IsType<KubeNodeEvent.Changed>(first).Node.Name);
            break;
        }

        var list = await Api.ListNodesAsync(new NodeListRequest { Limit = 1, ResourceVersion = "0" }, Cancel);
        Assert.Equal(["n1", "n2", "n3"], list.Nodes.Select(node => node.Name).Order(StringComparer.Ordinal));
        Assert.Null(list.Continue);
        list = await Api.ListNodesAsync(new NodeListRequest("n2") { ResourceVersion = "0" }, Cancel);
        Assert.Equal("n2", Assert.Single(list.Nodes).Name);
    }
}
