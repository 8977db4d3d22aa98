using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Reads lists with all of their pages.</summary>
internal static class NodeList
{
    /// <returns>The nodes at one resource version: the later pages are of the version of the first one.</returns>
    /// <exception cref="KubeException"><see cref="KubeErrorKind.Expired"/> if that version was compacted meanwhile: list again.</exception>
    public static async Task<KubeNodeList> ReadAsync(IKubeApi api, NodeListRequest request, CancellationToken cancellation)
    {
        var page = await api.ListNodesAsync(request, cancellation);
        if (page.Continue is null) return page;
        var nodes = new List<KubeNode>(page.Nodes);
        while (page.Continue is { } next)
        {
            page = await api.ListNodesAsync(request with { ResourceVersion = null, IsExact = false, Continue = next }, cancellation);
            nodes.AddRange(page.Nodes);
        }

        return page with { Nodes = nodes };
    }
}
