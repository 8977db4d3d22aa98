using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>The outcome of <see cref="ConfigStore.ReplaceAsync"/>.</summary>
public abstract record ConfigWriteResult
{
    private ConfigWriteResult()
    {
    }

    /// <param name="Revision">etcd's revision of the write.</param>
    public sealed record Written(long Revision) : ConfigWriteResult;

    /// <summary>The key is not as it was read: nothing was written.</summary>
    public sealed record Changed(StoredConfig Now) : ConfigWriteResult;
}

/// <summary>Reads and replaces the network configuration, for the operator who writes it.</summary>
public static class ConfigStore
{
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public static async Task<StoredConfig> ReadAsync(IEtcd etcd, EtcdKeys keys, CancellationToken cancellation)
    {
        var response = await etcd.RangeAsync(new RangeRequest { Key = keys.Config }, cancellation);
        return Of(response.Kvs.FirstOrDefault());
    }

    internal static StoredConfig Of(KeyValue? pair) =>
        pair is null ? new StoredConfig(null, 0) : new StoredConfig(pair.Value.Memory, pair.ModRevision);

    /// <summary>Writes the configuration if the key is as it was read: at the same revision, with the same value. The revision alone is not
    /// sufficient, because a restored etcd assigns it again.</summary>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request; whether it was written may be unknown.</exception>
    public static async Task<ConfigWriteResult> ReplaceAsync(
        IEtcd etcd, EtcdKeys keys, StoredConfig expected, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        var request = new TxnRequest
        {
            Compare = { TxnCompare.ModRevision(keys.Config, expected.ModRevision) },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = keys.Config, Value = ByteString.CopyFrom(value.Span) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = keys.Config } } },
        };
        if (expected.Value is { } old) request.Compare.Add(TxnCompare.Value(keys.Config, ByteString.CopyFrom(old.Span)));
        try
        {
            var response = await etcd.TxnAsync(request, cancellation);
            if (response.Succeeded) return new ConfigWriteResult.Written(response.Header.Revision);
            return ResultOf(Of(response.Responses[0].ResponseRange.Kvs.FirstOrDefault()), expected, value);
        }
        catch (EtcdException e) when (e.MayHaveHappened)
        {
            if (await FindWriteAsync(etcd, keys, expected, value, cancellation) is { } written) return written;
            throw;
        }
    }

    /// <summary>Null if the value is not written, and if that cannot be read.</summary>
    private static async Task<ConfigWriteResult.Written?> FindWriteAsync(
        IEtcd etcd, EtcdKeys keys, StoredConfig expected, ReadOnlyMemory<byte> value, CancellationToken cancellation)
    {
        try
        {
            return ResultOf(await ReadAsync(etcd, keys, cancellation), expected, value) as ConfigWriteResult.Written;
        }
        catch (EtcdException)
        {
            return null;
        }
    }

    /// <summary>The write of a request whose response was lost may be the reason why the key has changed.</summary>
    private static ConfigWriteResult ResultOf(StoredConfig now, StoredConfig expected, ReadOnlyMemory<byte> value) =>
        now.Value is { } found && found.Span.SequenceEqual(value.Span) && now.ModRevision != expected.ModRevision
            ? new ConfigWriteResult.Written(now.ModRevision)
            : new ConfigWriteResult.Changed(now);
}
