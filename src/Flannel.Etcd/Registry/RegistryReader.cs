using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>Reads the configuration and all leases in one transaction. What does not fit into its response follows in pages of the same
/// revision.</summary>
internal sealed class RegistryReader(EtcdContext context)
{
    // About 3 MB at the usual 350 bytes of a lease: below the 4 MB that gRPC's own clients accept.
    private const int PageSize = 8192;

    private readonly EtcdKeys keys = context.Keys;
    private readonly LeaseReader reader = new(context.Keys, context.Logger);

    /// <summary>The reads of the whole state, for the success branch of a read or the failure branch of a write.</summary>
    public static IEnumerable<RequestOp> Operations(EtcdKeys keys) =>
    [
        Read(ByteString.CopyFromUtf8(keys.VSwitches), EtcdKeys.EndOf(keys.VSwitches)),
        Read(keys.Config),
        Read(ByteString.CopyFromUtf8(keys.Subnets), EtcdKeys.EndOf(keys.Subnets), PageSize),
    ];

    public Task<TxnResponse> RequestAsync(CancellationToken cancellation) =>
        context.Etcd.TxnAsync(new TxnRequest { Success = { Operations(keys) } }, cancellation);

    public Task<RegistryState> ReadAsync(CancellationToken cancellation) => RetryCompactedAsync(
        async () => await ParseAsync(await RequestAsync(cancellation), cancellation));

    /// <summary>The state that one node needs. If its lease is at its previous subnet, or where its pointer says, only that key and the
    /// configuration are read, so that a start costs the same however many other nodes there are. Otherwise all keys are read, and the
    /// values that may be its own.</summary>
    public Task<RegistryState> ReadAsync(LeaseOwner owner, CancellationToken cancellation) =>
        RetryCompactedAsync(() => ReadOnceAsync(owner, cancellation));

    /// <param name="response">Of a transaction whose last operations were <see cref="Operations"/>.</param>
    public async Task<RegistryState> ParseAsync(TxnResponse response, CancellationToken cancellation)
    {
        var state = new Collector();
        var config = await ForEachLeaseAsync(response, pair => state.Add(pair, reader.Read(pair)), cancellation);
        return state.ToState(config, response.Header.Revision) with { VSwitches = VSwitchesIn(response) };
    }

    /// <summary>The same for one owner: of the other leases only their subnets.</summary>
    public async Task<RegistryState> ParseAsync(TxnResponse response, LeaseOwner owner, CancellationToken cancellation)
    {
        var state = new Collector();
        var pattern = new OwnerPattern(owner);
        var config = await ForEachLeaseAsync(response, pair => state.Add(pair, reader.Read(pair, pattern)), cancellation);
        return state.ToState(config, response.Header.Revision) with { VSwitches = VSwitchesIn(response) };
    }

    /// <summary>The same, key by key.</summary>
    /// <returns>The configuration.</returns>
    public async Task<ConfigState> ForEachLeaseAsync(TxnResponse response, Action<KeyValue> action, CancellationToken cancellation)
    {
        var page = response.Responses[^1].ResponseRange;
        while (true)
        {
            foreach (var pair in page.Kvs) action(pair);
            if (!page.More) return LeaseReader.ReadConfig(response.Responses[^2].ResponseRange.Kvs.FirstOrDefault());
            var next = new RangeRequest
            {
                Key = EtcdKeys.After(page.Kvs[^1].Key),
                RangeEnd = EtcdKeys.EndOf(keys.Subnets),
                Limit = PageSize,
                Revision = response.Header.Revision,
            };
            page = await context.Etcd.RangeAsync(next, cancellation);
        }
    }

    /// <summary>The history may be compacted between two pages. The next attempt reads a newer revision.</summary>
    private static async Task<RegistryState> RetryCompactedAsync(Func<Task<RegistryState>> read)
    {
        while (true)
        {
            try
            {
                return await read();
            }
            catch (EtcdException e) when (e.Kind == EtcdErrorKind.Compacted)
            {
                // Read again.
            }
        }
    }

    private async Task<RegistryState> ReadOnceAsync(LeaseOwner owner, CancellationToken cancellation)
    {
        var previous = owner.PreviousSubnet is { } subnet ? keys.Lease(new SubnetKey(subnet, owner.PreviousIpv6Subnet)) : null;
        var byAddress = keys.Node(owner.PublicIp);
        ByteString[] pointers = owner.Instance is { } instance ? [byAddress, keys.Instance(instance.Id)] : [byAddress];
        var first = await RequestAsync(previous is null ? pointers : [.. pointers, previous], cancellation);
        var addressPointer = first.Succeeded ? 0 : first.Responses[1].ResponseRange.Kvs.FirstOrDefault()?.ModRevision ?? 0;
        return await FindAsync() with { AddressPointerRevision = addressPointer };

        async Task<RegistryState> FindAsync()
        {
            if (first.Succeeded) return await ParseAsync(first, owner, cancellation);
            if (previous is not null && FindOwnLease(first, owner) is { } own) return own;
            // The pointer of the instance first: the address may have been another node's.
            foreach (var lease in pointers.Select((_, index) => ReadPointer(first, index + 1)).Reverse().OfType<ByteString>().Distinct())
            {
                if (lease.Equals(previous)) continue;
                var next = await RequestAsync([lease], cancellation);
                if (next.Succeeded) return await ParseAsync(next, owner, cancellation);
                if (FindOwnLease(next, owner) is { } pointedAt) return pointedAt;
            }

            return await ParseAsync(await RequestAsync(cancellation), owner, cancellation);
        }
    }

    /// <summary>The configuration and those keys; the whole state instead if none of the keys exists.</summary>
    private Task<TxnResponse> RequestAsync(ByteString[] candidates, CancellationToken cancellation) => context.Etcd.TxnAsync(
        new TxnRequest
        {
            Compare = { candidates.Select(key => TxnCompare.CreateRevision(key, 0)) },
            Success = { Operations(keys) },
            Failure = { Read(keys.Config), candidates.Select(key => Read(key)) },
        },
        cancellation);

    /// <summary>The key of the lease that a pointer names; null if there is none.</summary>
    private ByteString? ReadPointer(TxnResponse response, int index) =>
        response.Responses[index].ResponseRange.Kvs is [{ } pair] && SubnetKey.TryParse(pair.Value.ToStringUtf8(), out var key)
            ? keys.Lease(key)
            : null;

    /// <param name="response">Its first operation read the configuration, and its last one a key that may be the owner's lease.</param>
    private RegistryState? FindOwnLease(TxnResponse response, LeaseOwner owner)
    {
        if (response.Responses[^1].ResponseRange.Kvs is not [{ } pair]) return null;
        if (reader.Read(pair).Lease is not { } lease || owner.Classify(lease) == LeaseOwnerKind.Other) return null;
        var config = LeaseReader.ReadConfig(response.Responses[0].ResponseRange.Kvs.FirstOrDefault());
        return new RegistryState(config, [lease], [lease.Subnet], response.Header.Revision, IsComplete: true) { IsOwnLeaseOnly = true };
    }

    private Dictionary<string, IReadOnlyList<Ipv4Network>> VSwitchesIn(TxnResponse response) =>
        response.Responses[^3].ResponseRange.Kvs.ToDictionary(
            pair => pair.Key.ToStringUtf8()[keys.VSwitches.Length..],
            pair => (IReadOnlyList<Ipv4Network>)[.. VSwitchRanges.Parse(pair.Value)]);

    private static RequestOp Read(ByteString key, ByteString? end = null, long limit = 0) =>
        new() { RequestRange = new RangeRequest { Key = key, RangeEnd = end ?? ByteString.Empty, Limit = limit } };

    private sealed class Collector
    {
        private readonly List<Flannel.Core.Leases.Lease> leases = [];
        private readonly List<Ipv4Network> taken = [];
        private readonly List<Ipv6Network> takenIpv6 = [];
        private bool isComplete = true;
        private long lastCreation;

        public void Add(KeyValue pair, ReadKey key)
        {
            lastCreation = Math.Max(lastCreation, pair.CreateRevision);
            if (key.Lease is { } lease) leases.Add(lease);
            if (key.Taken is { } subnet) taken.Add(subnet);
            if (key.TakenIpv6 is { } ipv6) takenIpv6.Add(ipv6);
            isComplete &= !key.IsUnreadable;
        }

        public RegistryState ToState(ConfigState config, long revision) =>
            new(config, leases, taken, revision, isComplete) { TakenIpv6 = takenIpv6, LastCreation = lastCreation };
    }
}
