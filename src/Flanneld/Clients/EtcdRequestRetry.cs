using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>Repeats the requests of one term until etcd answers. What etcd rejects until an operator acts (a missing permission, a full
/// database) is logged once per cause, and the controller continues without it.</summary>
internal sealed class EtcdRequestRetry(EtcdKeys keys, TimeProvider time, Random random, ILogger logger)
{
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);

    private EtcdErrorKind? lastLogged;

    /// <param name="whenRejected">The result if etcd rejects the request.</param>
    public async Task<T> RunAsync<T>(Func<Task<T>> request, T whenRejected, CancellationToken cancellation)
    {
        var backoff = new Backoff(FirstPause, LongestPause, random);
        while (true)
        {
            try
            {
                return await request();
            }
            catch (EtcdException e) when (!e.CanRecover || e.Kind == EtcdErrorKind.NoSpace)
            {
                LogRejection(e);
                return whenRejected;
            }
            catch (EtcdException)
            {
                await Task.Delay(backoff.Next(), time, cancellation);
            }
        }
    }

    private void LogRejection(EtcdException e)
    {
        if (lastLogged == e.Kind) return;
        lastLogged = e.Kind;
        var remedy = e.Kind == EtcdErrorKind.PermissionDenied
            ? $"; grant the etcd user readwrite on the prefix {keys.Prefix}/ali-vpc/"
            : "";
        StoreLog.RequestRejected(logger, e.Manager, e.Message.TrimEnd('.') + remedy);
    }
}
