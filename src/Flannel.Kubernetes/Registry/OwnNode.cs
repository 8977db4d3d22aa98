using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The Node that this process runs on, as it was last read. Thread-safe. Methods throw <see cref="KubeException"/>.</summary>
/// <param name="name">Null for a command on a host that is no node: then there is no Node.</param>
internal sealed class OwnNode(IKubeApi api, string? name)
{
    private volatile KubeNode? latest;

    public string Name => name ?? "";

    /// <summary>Null before the first read, and if the Node does not exist.</summary>
    public KubeNode? Latest => latest;

    /// <summary>The resource version of <see cref="Latest"/>. A list from the API server's cache that is older may lack what this process
    /// wrote.</summary>
    public string? NewestVersion => latest?.ResourceVersion;

    /// <summary>Reads the Node from etcd.</summary>
    /// <returns>Null if it does not exist.</returns>
    public async Task<KubeNode?> ReadAsync(CancellationToken cancellation)
    {
        if (name is null) return null;
        try
        {
            return latest = await api.GetNodeAsync(name, cancellation);
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            return latest = null;
        }
    }

    /// <summary>Writes annotations of the Node with this UID; nothing if there are none.</summary>
    /// <returns>The Node as it is now.</returns>
    public async Task<KubeNode> WriteAsync(
        KubeNode read, IReadOnlyDictionary<string, string?> annotations, CancellationToken cancellation)
    {
        if (annotations.Count == 0) return read;
        return await PatchAsync(new NodeStatusPatch { Annotations = annotations, Uid = read.Uid }, cancellation);
    }

    public async Task<KubeNode> PatchAsync(NodeStatusPatch patch, CancellationToken cancellation) =>
        latest = await api.PatchNodeStatusAsync(Name, patch, cancellation);

    /// <summary>Another reader has read the Node.</summary>
    public void Observe(KubeNode? node) => latest = node;
}
