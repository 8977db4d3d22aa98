using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>The lease of a Node, as far as it can be read. Immutable.</summary>
/// <param name="Problem">What is wrong with it, as the rest of a line that begins with the Node's name; null without a problem.</param>
internal abstract record NodeLease(string? Problem)
{
    /// <summary>The Node has no subnet.</summary>
    public sealed record None() : NodeLease((string?)null);

    public sealed record Leased(Lease Lease, string? Problem) : NodeLease(Problem);

    /// <summary>The Node has a lease whose subnet is unknown. The Node must not be treated as one without a lease.</summary>
    public sealed record Unreadable(string Reason) : NodeLease(Reason);
}

/// <summary>Reads leases from Nodes. If the route controller must not change the route of a Node, its lease has no backend data: then the
/// route controller neither creates nor deletes a route of its subnet.</summary>
/// <remarks>Such a Node is one whose routes another tool owns, and one without flannel's annotations: flannel has not started on it, or
/// they were removed while its pods still use the subnet.</remarks>
internal sealed class NodeLeaseReader(NodeAnnotations annotations)
{
    public NodeLease Read(KubeNode node)
    {
        var isManaged = annotations.IsManaged(node);
        var isLeftAlone = !isManaged || NodeExclusion.Find(node) is not null;
        var key = PodCidrs.Parse(node);
        if (node.PodCidrs.Count == 0 || (isLeftAlone && !key.Ok)) return new NodeLease.None();
        if (!key.Ok) return new NodeLease.Unreadable(key.Error);
        var read = isManaged ? annotations.Read(node) : new LeaseAttributes(Ipv4Address.Any, null, "", null, null);
        var attributes = read.Ok ? read.Value : Unknown(node);
        var problem = isLeftAlone ? null : read.Error ?? FindContradiction(node, attributes, "its annotation");
        if (isLeftAlone || problem is not null) attributes = WithoutInstance(attributes);
        return new NodeLease.Leased(ToLease(node, key.Value, attributes), problem);
    }

    /// <summary>The lease of a Node with these attributes.</summary>
    public Lease ToLease(KubeNode node, SubnetKey key, LeaseAttributes attributes) =>
        new(key, attributes, new KubeLeaseIdentity(node.Name, node.Uid, node.CreationTime), Digest(node));

    /// <summary>Why the instance of the attributes is not that of <c>providerID</c>; null if they are equal, or one is missing.</summary>
    /// <param name="source">Of the attributes, such as <c>its annotation</c>.</param>
    public static string? FindContradiction(KubeNode node, LeaseAttributes attributes, string source) =>
        ProviderId.Parse(node.ProviderId) is { } provider && LeaseInstance.Read(attributes) is { } instance
        && provider.InstanceId != instance.Id
            ? $"is instance {provider.InstanceId} by its providerID, and {instance.Id} by {source}"
            : null;

    /// <summary>Changes with everything that the lease is read from, and not with other writes of the Node. Stable across
    /// processes.</summary>
    public long Digest(KubeNode node)
    {
        string[] parts =
        [
            node.Uid, node.ProviderId, NodeExclusion.Find(node) ?? "", .. node.PodCidrs, .. new[]
            {
                annotations.KubeSubnetManager, annotations.BackendType, annotations.BackendData, annotations.BackendV6Data,
                annotations.PublicIp, annotations.PublicIpv6,
            }.Select(name => NodeAnnotations.Text(node, name)),
        ];
        // No part has a line feed, or the API server would have rejected the Node; a list of another length has another text.
        return BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
    }

    private LeaseAttributes Unknown(KubeNode node) =>
        new(Ipv4Address.Any, null, NodeAnnotations.Text(node, annotations.BackendType), null, null);

    private static LeaseAttributes WithoutInstance(LeaseAttributes attributes) =>
        LeaseInstance.Read(attributes) is null ? attributes : attributes with { BackendData = null };
}
