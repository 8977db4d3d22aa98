using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Election;

/// <summary>The election of the route controller: whoever creates the key holds it, as long as the etcd lease it is attached to is kept
/// alive.</summary>
public sealed class EtcdElection
{
    /// <summary>A crashed controller is followed by another after this time, one that resigns at once. Long enough for an election within
    /// etcd
    /// (1 to 3 s) and two lost renewals; the routes stay where they are meanwhile, only newcomers wait.</summary>
    public static readonly TimeSpan TermTime = TimeSpan.FromSeconds(10);

    // So that of a thousand candidates that all see the key go, the first has written before most of the others ask.
    private static readonly TimeSpan Spread = TimeSpan.FromMilliseconds(200);

    // Longer: who stood by asks the cloud for its rights first, and of a thousand only a few shall do so.
    private static readonly TimeSpan StandBySpread = TimeSpan.FromSeconds(1);

    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly ControllerHolder self;
    private readonly TimeSpan termTime;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly EtcdRetryPolicy retryPolicy;
    private long lastTerm;

    /// <param name="termTime">Null for <see cref="TermTime"/>; whole seconds, and etcd makes it at least 2.</param>
    public EtcdElection(
        IEtcd etcd, EtcdKeys keys, ControllerHolder self, TimeProvider time, Random random, ILogger logger, TimeSpan? termTime = null)
    {
        this.etcd = etcd;
        this.keys = keys;
        this.self = self;
        this.termTime = termTime ?? TermTime;
        this.time = time;
        this.random = random;
        this.logger = logger;
        retryPolicy = new EtcdRetryPolicy(time, random, logger);
    }

    /// <summary>Waits while another node holds the election. What only a candidate must find out (may it write routes?) need not be found out before: the
    /// cloud's API counts calls by account, and a node that stands by makes none.</summary>
    public async Task StandByAsync(CancellationToken cancellation)
    {
        ControllerHolder? told = null;
        while (true)
        {
            try
            {
                var look = await etcd.RangeAsync(new RangeRequest { Key = keys.Controller }, cancellation);
                if (look.Kvs.Count == 0 || (lastTerm != 0 && look.Kvs[0].Lease == lastTerm)) return;
                var holder = ControllerHolder.Read(look.Kvs[0])!;
                if (holder != told) EtcdLog.StandingBy(logger, holder.InstanceId, holder.PublicIp);
                told = holder;
                await WaitForVacancyAsync(look.Header.Revision, cancellation);
                await Task.Delay(StandBySpread * random.NextDouble(), time, cancellation);
            }
            catch (EtcdException e)
            {
                await retryPolicy.PauseAsync(e, cancellation);
            }
        }
    }

    /// <summary>Waits until this node is elected; waits out everything else. Cancelled, it leaves nothing in etcd. A term that it won
    /// before is disposed of by then.</summary>
    public async Task<ElectedTerm> CampaignAsync(CancellationToken cancellation)
    {
        ControllerHolder? told = null;
        var granted = new GrantedLease(etcd, termTime, time, random, logger);
        long won = 0;
        try
        {
            while (true)
            {
                try
                {
                    var look = await etcd.RangeAsync(new RangeRequest { Key = keys.Controller }, cancellation);
                    if (look.Kvs.Count == 0 || (granted.Id != 0 && look.Kvs[0].Lease == granted.Id))
                    {
                        long? wonBefore = look.Kvs.Count > 0 ? look.Kvs[0].CreateRevision : null;
                        if (await StandAsync(granted, wonBefore, cancellation) is not { } term) continue;
                        won = lastTerm = term.EtcdLeaseId;
                        EtcdLog.Elected(logger);
                        return term;
                    }

                    if (lastTerm != 0 && look.Kvs[0].Lease == lastTerm)
                    {
                        // Given up while etcd could not be told: nobody needs to wait until its time ends. (After a loss of its quorum etcd
                        // begins that time anew.)
                        await etcd.LeaseRevokeAsync(lastTerm, cancellation);
                        lastTerm = 0;
                        continue;
                    }

                    var holder = ControllerHolder.Read(look.Kvs[0])!;
                    if (holder != told) EtcdLog.StandingBy(logger, holder.InstanceId, holder.PublicIp);
                    told = holder;
                    await granted.EndUnusedAsync(0);
                    await WaitForVacancyAsync(look.Header.Revision, cancellation);
                    await Task.Delay(Spread * random.NextDouble(), time, cancellation);
                }
                catch (EtcdException e)
                {
                    if (e.Kind == EtcdErrorKind.LeaseNotFound) granted.Forget();
                    await retryPolicy.PauseAsync(e, cancellation);
                }
            }
        }
        finally
        {
            await granted.EndUnusedAsync(won);
        }
    }

    /// <summary>Who holds the election now; null while nobody does.</summary>
    /// <exception cref="EtcdException">etcd did not answer, or refused.</exception>
    public static async Task<ControllerHolder?> ReadHolderAsync(IEtcd etcd, EtcdKeys keys, CancellationToken cancellation)
    {
        var answer = await etcd.RangeAsync(new RangeRequest { Key = keys.Controller }, cancellation);
        return ControllerHolder.Read(answer.Kvs.FirstOrDefault());
    }

    /// <param name="wonBefore">The key's create revision if an earlier write, whose answer was lost, has made it ours.</param>
    private async Task<ElectedTerm?> StandAsync(GrantedLease granted, long? wonBefore, CancellationToken cancellation)
    {
        if (wonBefore is null)
        {
            await granted.EnsureAsync(cancellation);
            var answer = await etcd.TxnAsync(
                new TxnRequest
                {
                    Compare = { TxnCompare.CreateRevision(keys.Controller, 0) },
                    Success =
                    {
                        new RequestOp
                        {
                            RequestPut = new PutRequest
                            {
                                Key = keys.Controller, Value = Google.Protobuf.ByteString.CopyFrom(self.ToJson()), Lease = granted.Id,
                            },
                        },
                    },
                },
                cancellation);
            if (!answer.Succeeded) return null;
            wonBefore = answer.Header.Revision;
        }

        var term = new ElectedTerm(etcd, keys, granted.Id, wonBefore.Value, granted.Life, time, logger);
        granted.Keep();
        return term;
    }

    private async Task WaitForVacancyAsync(long revision, CancellationToken cancellation)
    {
        var ranges = new[] { new WatchCreateRequest { Key = keys.Controller, StartRevision = revision + 1 } };
        await foreach (var answer in etcd.WatchAsync(ranges, cancellation))
        {
            if (answer.Created && answer.Header.Revision < revision) return;
            if (answer.Events.Any(change => change.Type == Mvccpb.Event.Types.EventType.Delete)) return;
        }
    }
}
