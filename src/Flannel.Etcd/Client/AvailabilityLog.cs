using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>Whether etcd answers, told once per change.</summary>
internal sealed class AvailabilityLog(TimeProvider time, ILogger logger)
{
    private readonly Lock gate = new();

    // Also read without the lock, on every answer.
    private volatile bool silent;
    private long since;

    public void Answered(Member member)
    {
        if (!silent) return;
        lock (gate)
        {
            if (!silent) return;
            silent = false;
            EtcdLog.Reachable(logger, member.Name, time.GetElapsedTime(since).TotalSeconds);
        }
    }

    public void Failed(EtcdException error)
    {
        lock (gate)
        {
            if (silent) return;
            silent = true;
            since = time.GetTimestamp();
            EtcdLog.Unreachable(logger, error.Message.TrimEnd('.'));
        }
    }
}
