using Flannel.Core;
using Flannel.Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Registry;

/// <summary>The collaborators that all users of one etcd prefix share.</summary>
/// <param name="Time">Its timestamps must include the time that the machine is suspended.</param>
public sealed record EtcdContext(IEtcd Etcd, EtcdKeys Keys, TimeProvider Time, Random Random, ILogger Logger)
{
    /// <summary>Receives failed renewals.</summary>
    public IEtcdObserver Observer { get; init; } = NoEtcdObserver.Instance;

    internal EtcdRetryPolicy NewRetryPolicy() => new(Time, Random, Logger);
}

/// <summary>The settings of <see cref="EtcdSubnetManager"/>.</summary>
public sealed record EtcdSubnetManagerOptions
{
    /// <summary>Upstream's default of <c>subnet-lease-renew-margin</c>.</summary>
    public static readonly TimeSpan DefaultRenewMargin = TimeSpan.FromMinutes(60);

    /// <summary>How long a lease lives without renewal.</summary>
    public TimeSpan LeaseTime { get; init; } = FlannelContract.LeaseTime;

    /// <summary>How long before its expiry a lease is renewed (<c>subnet-lease-renew-margin</c>); half of its time if that is
    /// shorter.</summary>
    public TimeSpan RenewMargin { get; init; } = DefaultRenewMargin;
}
