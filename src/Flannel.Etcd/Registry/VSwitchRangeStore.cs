using Etcdserverpb;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <summary>Publishes the ranges of the vSwitches of each VPC at <c>{prefix}/ali-vpc/vswitches/{VPC id}</c>. Nodes that choose a subnet
/// read them there, because a node does not call the cloud's API. Written only during the term.</summary>
public sealed class VSwitchRangeStore
{
    private readonly EtcdContext context;
    private readonly ElectionFence fence;

    internal VSwitchRangeStore(EtcdContext context, ElectionFence fence) => (this.context, this.fence) = (context, fence);

    /// <summary>Writes only what has changed.</summary>
    /// <returns>False if the term is over.</returns>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request. Can be repeated.</exception>
    public async Task<bool> PublishAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation)
    {
        var key = context.Keys.VSwitchesOf(vpcId);
        var value = VSwitchRanges.ToValue(ranges);
        var read = await TxnAsync(new RequestOp { RequestRange = new RangeRequest { Key = key } }, cancellation);
        if (!read.Succeeded) return false;
        if (read.Responses[0].ResponseRange.Kvs is [var pair] && pair.Value == value) return true;
        var written = await TxnAsync(new RequestOp { RequestPut = new PutRequest { Key = key, Value = value } }, cancellation);
        return written.Succeeded;
    }

    private Task<TxnResponse> TxnAsync(RequestOp operation, CancellationToken cancellation) => context.Etcd.TxnAsync(
        new TxnRequest { Compare = { fence.Compares(context.Keys) }, Success = { operation } }, cancellation);
}
