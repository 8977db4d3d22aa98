using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Reads the configuration and all leases in one transaction; what does not fit into its answer follows in pages of the same
/// revision.</summary>
internal sealed class RegistryReader(IEtcd etcd, EtcdKeys keys, LeaseReader reader)
{
    // About 3 MB of the usual 350 bytes a lease: below the 4 MB that gRPC's own clients accept.
    private const int PageSize = 8192;

    private readonly ByteString subnets = ByteString.CopyFromUtf8(keys.Subnets);
    private readonly ByteString subnetsEnd = EtcdKeys.EndOf(keys.Subnets);
    private readonly ByteString vSwitches = ByteString.CopyFromUtf8(keys.VSwitches);
    private readonly ByteString vSwitchesEnd = EtcdKeys.EndOf(keys.VSwitches);

    public Task<TxnResponse> AskAsync(CancellationToken cancellation) =>
        etcd.TxnAsync(new TxnRequest { Success = { Reads() } }, cancellation);

    /// <summary>The three reads, for the success branch of a plain read or the other branch of a write.</summary>
    public IEnumerable<RequestOp> Reads() =>
    [
        new RequestOp { RequestRange = new RangeRequest { Key = vSwitches, RangeEnd = vSwitchesEnd } },
        Read(keys.Config),
        new RequestOp { RequestRange = new RangeRequest { Key = subnets, RangeEnd = subnetsEnd, Limit = PageSize } },
    ];

    public async Task<RegistryState> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await TakeAsync(await AskAsync(cancellation), cancellation);
            }
            catch (EtcdException e) when (e.Kind == EtcdErrorKind.Compacted)
            {
                // Between two pages. The next round begins at a newer revision.
            }
        }
    }

    /// <summary>What one node needs to know. If its lease is where it was, or where its pointer says, that key and the configuration are all
    /// that is read, so that a start costs the same however many other nodes there are; else all keys, and the values that may be its
    /// own.</summary>
    public async Task<RegistryState> ReadAsync(LeaseOwner owner, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await LookAsync(owner, cancellation);
            }
            catch (EtcdException e) when (e.Kind == EtcdErrorKind.Compacted)
            {
                // Between two pages.
            }
        }
    }

    private async Task<RegistryState> LookAsync(LeaseOwner owner, CancellationToken cancellation)
    {
        var previous = owner.PreviousSubnet is { } subnet ? keys.Lease(new SubnetKey(subnet)) : null;
        var byAddress = keys.Node(owner.PublicIp);
        ByteString[] pointers = owner.Instance is { } instance ? [byAddress, keys.Instance(instance.Id)] : [byAddress];
        var answer = await AskAsync(previous is null ? pointers : [.. pointers, previous], cancellation);
        var addressPointer = answer.Succeeded ? 0 : answer.Responses[1].ResponseRange.Kvs.FirstOrDefault()?.ModRevision ?? 0;
        return (await FindAsync(answer)) with { AddressPointerRevision = addressPointer };

        async Task<RegistryState> FindAsync(TxnResponse first)
        {
            if (first.Succeeded) return await TakeAsync(first, owner, cancellation);
            if (previous is not null && OwnOrNull(first, owner) is { } own) return own;
            // That of the instance first: an address may have been another node's.
            foreach (var lease in pointers.Select((_, index) => PointedAt(first, index + 1)).Reverse().OfType<ByteString>().Distinct())
            {
                if (lease.Equals(previous)) continue;
                var next = await AskAsync([lease], cancellation);
                if (next.Succeeded) return await TakeAsync(next, owner, cancellation);
                if (OwnOrNull(next, owner) is { } pointedAt) return pointedAt;
            }

            return await TakeAsync(await AskAsync(cancellation), owner, cancellation);
        }
    }

    /// <summary>The configuration and those keys; the whole state instead when none of the keys exists.</summary>
    private Task<TxnResponse> AskAsync(ByteString[] any, CancellationToken cancellation) => etcd.TxnAsync(
        new TxnRequest
        {
            Compare = { any.Select(key => TxnCompare.CreateRevision(key, 0)) },
            Success = { Reads() },
            Failure = { Read(keys.Config), any.Select(Read) },
        },
        cancellation);

    /// <summary>The key of the lease that a pointer names; null where there is none.</summary>
    private ByteString? PointedAt(TxnResponse answer, int response) =>
        answer.Responses[response].ResponseRange.Kvs is [{ } pair] && SubnetKey.TryParse(pair.Value.ToStringUtf8(), out var key)
            ? keys.Lease(key)
            : null;

    /// <param name="answer">Whose first operation read the configuration, and the last one a key that may be the owner's lease.</param>
    private RegistryState? OwnOrNull(TxnResponse answer, LeaseOwner owner)
    {
        if (answer.Responses[^1].ResponseRange.Kvs is not [{ } pair]) return null;
        if (reader.Read(pair).Lease is not { } lease || owner.Judge(lease) == LeaseOwnerKind.Other) return null;
        var config = LeaseReader.ReadConfig(answer.Responses[0].ResponseRange.Kvs.FirstOrDefault());
        return new RegistryState(config, [lease], [lease.Subnet], answer.Header.Revision, IsWhole: true) { IsOwnLeaseOnly = true };
    }

    /// <param name="answer">Of a transaction whose last operations were <see cref="Reads"/>.</param>
    public async Task<RegistryState> TakeAsync(TxnResponse answer, CancellationToken cancellation)
    {
        var state = new Collector();
        var config = await TakeAsync(answer, pair => state.Add(reader.Read(pair)), cancellation);
        return state.ToState(config, answer.Header.Revision) with { VSwitches = VSwitchesIn(answer) };
    }

    private Dictionary<string, IReadOnlyList<Ipv4Network>> VSwitchesIn(TxnResponse answer) =>
        answer.Responses[^3].ResponseRange.Kvs.ToDictionary(
            pair => pair.Key.ToStringUtf8()[keys.VSwitches.Length..],
            pair => (IReadOnlyList<Ipv4Network>)[.. VSwitchRanges.Parse(pair.Value)]);

    /// <summary>The same for one owner: of the others only which subnets they have.</summary>
    public async Task<RegistryState> TakeAsync(TxnResponse answer, LeaseOwner owner, CancellationToken cancellation)
    {
        var state = new Collector();
        var pattern = new OwnerPattern(owner);
        var config = await TakeAsync(answer, pair => state.Add(reader.Read(pair, pattern)), cancellation);
        return state.ToState(config, answer.Header.Revision) with { VSwitches = VSwitchesIn(answer) };
    }

    /// <summary>The same, key by key.</summary>
    public async Task<ConfigState> TakeAsync(TxnResponse answer, Action<KeyValue> take, CancellationToken cancellation)
    {
        var page = answer.Responses[^1].ResponseRange;
        while (true)
        {
            foreach (var pair in page.Kvs) take(pair);
            if (!page.More) return LeaseReader.ReadConfig(answer.Responses[^2].ResponseRange.Kvs.FirstOrDefault());
            page = await etcd.RangeAsync(
                new RangeRequest { Key = After(page.Kvs[^1]), RangeEnd = subnetsEnd, Limit = PageSize, Revision = answer.Header.Revision },
                cancellation);
        }
    }

    private static RequestOp Read(ByteString key) => new() { RequestRange = new RangeRequest { Key = key } };

    private static ByteString After(KeyValue pair) => ByteString.CopyFrom([.. pair.Key.Span, 0]);

    private sealed class Collector
    {
        private readonly List<Flannel.Core.Leases.Lease> leases = [];
        private readonly List<Ipv4Network> taken = [];
        private bool whole = true;

        public void Add(ReadKey key)
        {
            if (key.Lease is { } lease) leases.Add(lease);
            if (key.Taken is { } subnet) taken.Add(subnet);
            whole &= !key.IsUnreadable;
        }

        public RegistryState ToState(ConfigState config, long revision) => new(config, leases, taken, revision, whole);
    }
}
