namespace Flannel.Etcd.Client;

/// <summary>Time-outs of the connection to etcd, the same for every node. Users may change those that have a flag.</summary>
public static class EtcdDurations
{
    /// <summary>For a TCP connection and, after it, for a TLS handshake. Long enough for one repeated SYN (after 1 s).</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(3);

    /// <summary>For the response of one endpoint. etcd's own limit for a write is 7 s (5 s and two elections), but after 5 s another member
    /// is likely to be faster.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(5);

    /// <summary>Between HTTP/2 pings on a connection in use. etcd closes connections whose pings are less than 5 s apart (its
    /// <c>--grpc-keepalive-min-time</c>).</summary>
    public static readonly TimeSpan Ping = TimeSpan.FromSeconds(6);

    /// <summary>For the response to a ping: a dead peer is detected after at most 10 s.</summary>
    public static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(4);

    /// <summary>A watch that is silent for this time is probed. Shorter than the 60 s after which usual gateways close an idle stream
    /// (nginx <c>grpc_read_timeout</c>, Alibaba Cloud ALB).</summary>
    public static readonly TimeSpan WatchSilence = TimeSpan.FromSeconds(50);

    /// <summary>For the response to the probe of a watch.</summary>
    public static readonly TimeSpan WatchProbe = TimeSpan.FromSeconds(10);
}
