using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Registry;

/// <summary>flannel's subnets in etcd: which there are, and which is ours.</summary>
/// <remarks>
/// What is guaranteed: among nodes that lease through here no two ever hold overlapping subnets, because a lease comes to be only in a
/// transaction
/// that sees no overlapping key and the very configuration it was chosen under. Against nodes of upstream flannel this holds at the moment
/// of
/// creation, too. What cannot be guaranteed: upstream renews by a plain write, so an upstream node whose lease expired while it was cut off
/// may later write over the key of whoever took its subnet. That is noticed by <see cref="LeaseKeeper"/> (the value names another node),
/// never silent.
/// </remarks>
public sealed class SubnetRegistry
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly RegistryReader reader;
    private readonly LeaseWrites writes;
    private readonly TimeSpan leaseTime;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;

    /// <param name="leaseTime">Null for flannel's 24 h.</param>
    public SubnetRegistry(IEtcd etcd, EtcdKeys keys, TimeProvider time, Random random, ILogger logger, TimeSpan? leaseTime = null)
    {
        this.etcd = etcd;
        this.keys = keys;
        this.time = time;
        this.random = random;
        this.logger = logger;
        this.leaseTime = leaseTime ?? FlannelContract.LeaseTime;
        reader = new RegistryReader(etcd, keys, new LeaseReader(keys, logger));
        writes = new LeaseWrites(keys, reader);
    }

    /// <summary>How long a lease lives without renewal.</summary>
    public TimeSpan LeaseTime => leaseTime;

    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public Task<RegistryState> ReadAsync(CancellationToken cancellation) => reader.ReadAsync(cancellation);

    /// <summary>Completes with the first state whose configuration can be used. Sees a new one when it is written, without asking again
    /// and again;
    /// while it cannot watch, it asks once a second.</summary>
    /// <param name="onTrouble">Called once for each configuration that cannot be used, and once for none.</param>
    /// <param name="owner">Who asks, to read no more than what it needs; null for everything.</param>
    /// <param name="onRead">Called with every state that is read; returns after how long at most it is to be read again. Null for no such
    /// need.</param>
    /// <exception cref="EtcdException">etcd refuses in a way that waiting does not heal.</exception>
    public async Task<RegistryState> WaitForConfigAsync(
        Action<ConfigState> onTrouble, CancellationToken cancellation, RegistryState? known = null, LeaseOwner? owner = null,
        Func<RegistryState, TimeSpan>? onRead = null)
    {
        var retryPolicy = new EtcdRetryPolicy(time, random, logger);
        ConfigState? told = null;
        for (var state = known; ; state = null)
        {
            state ??= await retryPolicy.UntilAnsweredAsync(ReadAsync, evenRefused: false, cancellation);
            var atMost = onRead?.Invoke(state) ?? Timeout.InfiniteTimeSpan;
            if (state.Config is ConfigState.Present) return state;
            if (state.Config != told) onTrouble(told = state.Config);
            var next = new WatchCreateRequest { Key = keys.Config, StartRevision = state.Revision + 1 };
            await WaitAsync(next, atMost, cancellation);
        }

        Task<RegistryState> ReadAsync(CancellationToken token) => owner is null ? reader.ReadAsync(token) : reader.ReadAsync(owner, token);
    }

    /// <summary>Takes the subnet that is this node's own, or its previous one, or a free one. Waits for etcd as long as that can
    /// help.</summary>
    /// <param name="known">A state that was read just now, to spare the first look; how old it is does not matter for correctness.</param>
    public Task<AcquireResult> AcquireAsync(AcquireRequest request, CancellationToken cancellation, RegistryState? known = null) =>
        new SubnetAcquirer(etcd, reader, writes, request, leaseTime, time, random, logger).RunAsync(known, cancellation);

    /// <summary>Changes what a lease says of its node, unless somebody wrote it since it was read: then the answer is null.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public async Task<Lease?> ChangeAsync(Lease lease, LeaseAttributes attributes, CancellationToken cancellation)
    {
        var answer = await etcd.TxnAsync(writes.Change(lease, attributes), cancellation);
        return answer.Succeeded ? lease with { Attributes = attributes, ModRevision = answer.Header.Revision } : null;
    }

    /// <summary>Gives a lease back before its time, and with its etcd lease all that was attached to it. False when somebody wrote it since it was
    /// read. Not for reservations: they are an operator's.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or refused. To try again is harmless.</exception>
    public async Task<bool> GiveBackAsync(Lease lease, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(lease.EtcdLeaseId);
        var answer = await etcd.TxnAsync(writes.Delete(lease), cancellation);
        if (answer.Succeeded) await etcd.LeaseRevokeAsync(lease.EtcdLeaseId, cancellation);
        return answer.Succeeded;
    }

    /// <summary>Completes when there may be room where there was none: a key below <c>subnets/</c> was deleted, or the configuration was
    /// written, after a revision; or after the time, whichever is first.</summary>
    public Task WaitForRoomAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(LeaseWatcher.Range(keys, revision + 1), atMost, cancellation);

    /// <summary>Completes when the configuration was written or deleted after a revision, or after the time, whichever is first.</summary>
    public Task WaitForConfigChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(new WatchCreateRequest { Key = keys.Config, StartRevision = revision + 1 }, atMost, cancellation);

    private async Task WaitAsync(WatchCreateRequest range, TimeSpan atMost, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            await foreach (var answer in etcd.WatchAsync([range], either.Token))
            {
                if (answer.Events.Any(MayHelp)) return;
                // A restored etcd has gone back behind what we saw: what it has now is a change, too.
                if (answer.Created && answer.Header.Revision < range.StartRevision - 1)
                    throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", false);
            }
        }
        catch (EtcdException)
        {
            await Task.Delay(Poll, time, cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Waited long enough.
        }
    }

    /// <summary>That others take and renew their leases is news every other second, and none that makes room.</summary>
    private bool MayHelp(Event change) => change.Type == Event.Types.EventType.Delete || change.Kv.Key.Equals(keys.Config);
}
