namespace Flannel.Kubernetes.Client.Objects;

/// <summary>A Node, as far as this program uses it.</summary>
/// <param name="Name">Its <c>metadata.name</c>.</param>
/// <param name="Uid">Distinguishes it from a later node with the same name.</param>
/// <param name="ResourceVersion">Changes with each write of the object, also with those of the kubelet.</param>
public sealed record KubeNode(string Name, string Uid, string ResourceVersion)
{
    public DateTimeOffset CreationTime { get; init; }

    /// <summary>True once it has a <c>deletionTimestamp</c>.</summary>
    public bool IsDeleting { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = EmptyMap;

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = EmptyMap;

    /// <summary><c>spec.podCIDRs</c>; <c>spec.podCIDR</c> if there are none. Empty until the controller manager has assigned
    /// them.</summary>
    public IReadOnlyList<string> PodCidrs { get; init; } = [];

    /// <summary>Empty if there is none.</summary>
    public string ProviderId { get; init; } = "";

    /// <summary>The condition <c>NetworkUnavailable</c>; null if there is none.</summary>
    public NodeCondition? NetworkUnavailable { get; init; }

    internal static IReadOnlyDictionary<string, string> EmptyMap { get; } = new Dictionary<string, string>();
}

/// <summary>A condition of a Node's status.</summary>
/// <param name="IsTrue">Its <c>status</c>: <c>True</c>, or anything else.</param>
/// <param name="Reason">One word, such as <c>FlannelIsUp</c>.</param>
/// <param name="LastTransition">When <paramref name="IsTrue"/> changed last, UTC.</param>
public sealed record NodeCondition(bool IsTrue, string Reason, string Message, DateTimeOffset LastTransition);

/// <summary>One page of a list.</summary>
/// <param name="Continue">The token of the next page; null on the last one.</param>
/// <param name="ResourceVersion">Where a watch of all nodes begins.</param>
public sealed record KubeNodeList(IReadOnlyList<KubeNode> Nodes, string ResourceVersion, string? Continue);

/// <summary>A request for one page of all nodes, or of one.</summary>
/// <param name="Name">The only node; null for all.</param>
public sealed record NodeListRequest(string? Name = null)
{
    /// <summary>The largest number of nodes of a page. The API server ignores it for a list from its cache.</summary>
    public int Limit { get; init; } = 500;

    /// <summary><c>0</c> for any version from the API server's cache; null for the newest one, from etcd.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>The nodes as they were at <see cref="ResourceVersion"/>, from etcd. <see cref="KubeErrorKind.Expired"/> if etcd does not
    /// have it any more.</summary>
    public bool IsExact { get; init; }

    /// <summary>Of the page before; null for the first one.</summary>
    public string? Continue { get; init; }
}

/// <summary>An event of a watch of nodes.</summary>
public abstract record KubeNodeEvent(string ResourceVersion)
{
    /// <summary>The node was added or changed.</summary>
    public sealed record Changed(KubeNode Node) : KubeNodeEvent(Node.ResourceVersion);

    public sealed record Deleted(KubeNode Node) : KubeNodeEvent(Node.ResourceVersion);

    /// <summary>No node changed up to this resource version.</summary>
    public sealed record Bookmark(string ResourceVersion) : KubeNodeEvent(ResourceVersion);
}

/// <summary>A change of a Node's annotations and of its condition <c>NetworkUnavailable</c> in one request. What it does not name stays
/// as it is.</summary>
public sealed record NodeStatusPatch
{
    /// <summary>Values by the whole name of the annotation; null deletes it.</summary>
    public IReadOnlyDictionary<string, string?> Annotations { get; init; } = new Dictionary<string, string?>();

    /// <summary>Null to leave the condition.</summary>
    public NodeCondition? NetworkUnavailable { get; init; }

    /// <summary>The patch is rejected with <see cref="KubeErrorKind.Conflict"/> if the node has another UID; null for any.</summary>
    public string? Uid { get; init; }
}
