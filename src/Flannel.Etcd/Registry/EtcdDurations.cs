namespace Flannel.Etcd.Registry;

/// <summary>Times that are the same for every node. What users may tune is in the flags.</summary>
public static class EtcdDurations
{
    /// <summary>For a TCP connection and, after it, for a TLS handshake. Long enough for one repeated SYN (after 1 s).</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(3);

    /// <summary>For the answer to one request at one endpoint. etcd's own limit for a write is 7 s (5 s and two elections), but a node that
    /// waits longer than 5 s is better served by the next member.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(5);

    /// <summary>Between HTTP/2 pings on a connection in use. etcd takes offence at pings less than 5 s apart (its
    /// <c>--grpc-keepalive-min-time</c>), so this stays clear of it.</summary>
    public static readonly TimeSpan Ping = TimeSpan.FromSeconds(6);

    /// <summary>For the answer to a ping: a dead peer is noticed 10 s after its last word.</summary>
    public static readonly TimeSpan PingAnswer = TimeSpan.FromSeconds(4);

    /// <summary>A watch silent for so long is asked whether it lives. Shorter than the 60 s after which usual gateways cut an idle stream
    /// (nginx <c>grpc_read_timeout</c>, Alibaba Cloud ALB).</summary>
    public static readonly TimeSpan WatchSilence = TimeSpan.FromSeconds(50);

    /// <summary>For its answer.</summary>
    public static readonly TimeSpan WatchProgress = TimeSpan.FromSeconds(10);

    /// <summary>Without the fraction of a millisecond, which timers do not count.</summary>
    internal static TimeSpan Whole(TimeSpan time) => TimeSpan.FromTicks(time.Ticks - time.Ticks % TimeSpan.TicksPerMillisecond);
}
