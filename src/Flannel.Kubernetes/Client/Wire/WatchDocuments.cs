namespace Flannel.Kubernetes.Client.Wire;

/// <summary>A line of a watch, read for its type. The object is read again as what the type says it is.</summary>
internal sealed class WatchTypeDocument
{
    public const string Added = "ADDED";
    public const string Modified = "MODIFIED";
    public const string Deleted = "DELETED";
    public const string Bookmark = "BOOKMARK";
    public const string Error = "ERROR";

    public string? Type { get; init; }
}

/// <summary>A line of the type ADDED, MODIFIED, DELETED or BOOKMARK. A bookmark has a resource version and no name.</summary>
internal sealed class WatchNodeDocument
{
    public NodeDocument? Object { get; init; }
}

/// <summary>A line of the type ERROR.</summary>
internal sealed class WatchErrorDocument
{
    public StatusDocument? Object { get; init; }
}
