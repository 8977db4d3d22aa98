using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>What etcd rejects until an operator acts (a missing permission, a full database) is logged once per cause.</summary>
internal sealed class EtcdRequestRetry(EtcdKeys keys, TimeProvider time, Random random, ILogger logger) : StoreRequestRetry(time, random)
{
    private EtcdErrorKind? lastLogged;

    protected override bool IsRejection(SubnetManagerException failure) =>
        base.IsRejection(failure) || failure is EtcdException { Kind: EtcdErrorKind.NoSpace };

    protected override void OnRejected(SubnetManagerException failure)
    {
        if (failure is not EtcdException e || lastLogged == e.Kind) return;
        lastLogged = e.Kind;
        var remedy = e.Kind == EtcdErrorKind.PermissionDenied
            ? $"; grant the etcd user readwrite on the prefix {keys.Prefix}/ali-vpc/"
            : "";
        StoreLog.RequestRejected(logger, e.Manager, e.Message.TrimEnd('.') + remedy);
    }
}
