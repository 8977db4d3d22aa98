namespace Flannel.Kubernetes.Client.Objects;

/// <summary>The name of an object in a namespace.</summary>
public sealed record ObjectName(string Namespace, string Name)
{
    private const int LongestName = 253;

    /// <summary>True for a DNS subdomain (RFC 1123), as the names of nodes, pods, leases, events and namespaces are.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= LongestName
        && name.All(character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '.')
        && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]);

    public override string ToString() => $"{Namespace}/{Name}";
}

/// <summary>A Lease of the group coordination.k8s.io/v1.</summary>
/// <param name="ResourceVersion">Empty for one that is to be created.</param>
public sealed record KubeLease(ObjectName Name, string ResourceVersion)
{
    public string Uid { get; init; } = "";

    /// <summary>An update replaces them: pass on what was read.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = KubeNode.EmptyMap;

    /// <summary>An update replaces them: pass on what was read.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = KubeNode.EmptyMap;

    /// <summary>Empty for no holder.</summary>
    public string HolderIdentity { get; init; } = "";

    /// <summary>How long the holder holds it after its last renewal; zero for none.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>UTC, by the clock of the holder.</summary>
    public DateTimeOffset? AcquireTime { get; init; }

    /// <summary>UTC, by the clock of the holder: never compared with the clock of another machine.</summary>
    public DateTimeOffset? RenewTime { get; init; }

    /// <summary>How often the holder changed.</summary>
    public int Transitions { get; init; }
}

/// <summary>An Event of the core group about a Node.</summary>
public sealed record KubeEvent(ObjectName Name)
{
    public string NodeName { get; init; } = "";

    public string NodeUid { get; init; } = "";

    public bool IsWarning { get; init; }

    /// <summary>One word, such as <c>CreateRouteFailed</c>.</summary>
    public string Reason { get; init; } = "";

    /// <summary>At most 1,024 bytes.</summary>
    public string Message { get; init; } = "";

    public int Count { get; init; } = 1;

    public DateTimeOffset FirstTime { get; init; }

    public DateTimeOffset LastTime { get; init; }
}

/// <summary>A question whether RBAC allows a request.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Resource">Such as <c>nodes</c>.</param>
/// <param name="Subresource">Such as <c>status</c>; empty for none.</param>
/// <param name="Namespace">Empty for objects without a namespace.</param>
public sealed record AccessReview(string Verb, string Group, string Resource, string Subresource = "", string Namespace = "");
