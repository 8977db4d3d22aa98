namespace Flannel.Kubernetes.Client;

/// <summary>Times and sizes of the requests to the Kubernetes API.</summary>
internal static class KubeLimits
{
    /// <summary>From name resolution to the end of the TLS handshake.</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(5);

    /// <summary>For one request, from its start to the last byte of the response.</summary>
    public static readonly TimeSpan Request = TimeSpan.FromSeconds(10);

    /// <summary>For one page of a list. The API server returns all nodes in one page from its cache.</summary>
    public static readonly TimeSpan List = TimeSpan.FromSeconds(30);

    /// <summary>The API server ends a watch after a time between these two, so that the nodes do not watch again all at once.</summary>
    public static readonly TimeSpan ShortestWatch = TimeSpan.FromSeconds(300);
    public static readonly TimeSpan LongestWatch = TimeSpan.FromSeconds(600);

    /// <summary>A watch without a line for this time is taken as broken. API servers send a bookmark each minute (apiserver,
    /// storage/cacher/cacher.go).</summary>
    public static readonly TimeSpan WatchStall = TimeSpan.FromSeconds(180);

    public static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(15);

    public static readonly TimeSpan IdleConnection = TimeSpan.FromSeconds(90);

    /// <summary>The longest pause that a server may ask for. A proxy in front of the API servers may ask for hours.</summary>
    public static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(5);

    /// <summary>Bytes of one object. etcd stores at most 1.5 MiB of each.</summary>
    public const int Object = 8 << 20;

    /// <summary>Bytes of one page of a list: 5,000 nodes of 20 to 40 KB.</summary>
    public const int Page = 512 << 20;

    /// <summary>Bytes of the response of a failed request.</summary>
    public const int Error = 64 << 10;

    /// <summary>Characters of the server's text in a message.</summary>
    public const int ErrorText = 400;
}
