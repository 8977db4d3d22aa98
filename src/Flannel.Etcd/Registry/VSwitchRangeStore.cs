using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <summary>Publishes the ranges of the vSwitches of each VPC at <c>{prefix}/ali-vpc/vswitches/{VPC id}</c>, where nodes that choose a
/// subnet read them: a node itself calls no API. Written only while the term lasts.</summary>
public sealed class VSwitchRangeStore
{
    private readonly IEtcd etcd;
    private readonly EtcdKeys keys;
    private readonly ElectionFence fence;

    internal VSwitchRangeStore(IEtcd etcd, EtcdKeys keys, ElectionFence fence) => (this.etcd, this.keys, this.fence) = (etcd, keys, fence);

    /// <summary>Writes only what is new.</summary>
    /// <returns>False when the term is over.</returns>
    /// <exception cref="EtcdException">etcd did not answer, or refused. To publish the same again is harmless.</exception>
    public async Task<bool> PublishAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation)
    {
        var key = keys.VSwitchesOf(vpcId);
        var value = VSwitchRanges.ToValue(ranges);
        var read = await etcd.TxnAsync(
            new TxnRequest
            {
                Compare = { fence.Compares(keys) },
                Success = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
            }, cancellation);
        if (!read.Succeeded) return false;
        if (read.Responses[0].ResponseRange.Kvs is [var pair] && pair.Value == value) return true;
        var written = await etcd.TxnAsync(
            new TxnRequest
            {
                Compare = { fence.Compares(keys) },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = value } } },
            }, cancellation);
        return written.Succeeded;
    }
}
