namespace Flanneld.Commands.Check;

/// <summary>How long each part of the check may take. Longer than the limits of a single request, whose failures say more
/// (docs/reference/check.md).</summary>
internal static class CheckLimits
{
    /// <summary>Files of this host and of the kernel.</summary>
    public static readonly TimeSpan Host = TimeSpan.FromSeconds(5);

    /// <summary>Three requests to each member (<c>EtcdDurations</c>).</summary>
    public static readonly TimeSpan Etcd = TimeSpan.FromSeconds(25);

    /// <summary>A dozen requests, most of them at once, of 10 s each, and a list of 30 s (<c>KubeLimits</c>).</summary>
    public static readonly TimeSpan Kubernetes = TimeSpan.FromSeconds(50);

    public static readonly TimeSpan RouteController = TimeSpan.FromSeconds(15);

    public static readonly TimeSpan Metadata = TimeSpan.FromSeconds(15);

    /// <summary>Docker's socket and <c>iptables-save</c>.</summary>
    public static readonly TimeSpan Docker = TimeSpan.FromSeconds(10);

    /// <summary><c>ip</c> and <c>bridge</c>.</summary>
    public static readonly TimeSpan Vxlan = TimeSpan.FromSeconds(10);

    /// <summary>Name resolution, connection and TLS handshake of each service.</summary>
    public static readonly TimeSpan Endpoints = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan Credentials = TimeSpan.FromSeconds(30);

    /// <summary>A dozen calls.</summary>
    public static readonly TimeSpan Permissions = TimeSpan.FromSeconds(60);

    /// <summary>Calls for each route table.</summary>
    public static readonly TimeSpan Routes = TimeSpan.FromSeconds(60);
}
