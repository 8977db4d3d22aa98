using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Connection;

/// <summary>Whether etcd answers, told once per change.</summary>
internal sealed class Reachability(TimeProvider time, ILogger logger)
{
    private readonly Lock gate = new();
    private long? silentSince;

    public void Answered(Member member)
    {
        if (Volatile.Read(ref silentSinceSet) == 0) return;
        lock (gate)
        {
            if (silentSince is not { } since) return;
            silentSince = null;
            silentSinceSet = 0;
            EtcdLog.Reachable(logger, member.Name, time.GetElapsedTime(since).TotalSeconds);
        }
    }

    public void Failed(EtcdException error)
    {
        lock (gate)
        {
            if (silentSince is not null) return;
            silentSince = time.GetTimestamp();
            silentSinceSet = 1;
            EtcdLog.Unreachable(logger, error.Message);
        }
    }

    // Read on every answer, without the lock.
    private int silentSinceSet;
}
