using System.Threading.Channels;
using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Control;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;

namespace Flannel.Etcd.Leasing;

/// <summary>The four keys that concern one node, at one revision.</summary>
internal sealed record NodeLook(KeyValue? Own, KeyValue? Status, ConfigState Config, KeyValue? Controller, long Revision);

/// <summary>What happened to the own key.</summary>
/// <param name="Pair">Null when it was deleted.</param>
/// <param name="Revision">When.</param>
internal sealed record OwnKeyEvent(KeyValue? Pair, long Revision);

/// <summary>Reads and watches what concerns one node, and hands on what is new of it.</summary>
internal sealed class NodeView(IEtcd etcd, EtcdKeys keys, HeldLease held, ChannelWriter<LeaseEvent> events, ILogger logger)
{
    private const int OwnWatch = 1;
    private const int StatusWatch = 2;
    private const int ConfigWatch = 3;

    private long configRevision = held.ConfigRevision;
    private long etcdLease = held.Lease.EtcdLeaseId;
    private long createRevision = held.Lease.CreateRevision;
    private ControllerHolder? controller;
    private bool controllerTold;

    public async Task<NodeLook> LookAsync(SubnetKey key, CancellationToken cancellation)
    {
        var request = new TxnRequest();
        foreach (var name in Names(key)) request.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = name } });
        var answer = await etcd.TxnAsync(request, cancellation);
        return new NodeLook(At(0), At(1), LeaseReader.ReadConfig(At(2)), At(3), answer.Header.Revision);

        KeyValue? At(int index) => answer.Responses[index].ResponseRange.Kvs.FirstOrDefault();
    }

    public List<WatchCreateRequest> Ranges(SubnetKey key, long fromRevision) =>
        [.. Names(key).Select(name => new WatchCreateRequest { Key = name, StartRevision = fromRevision })];

    public void Tell(NodeLook look)
    {
        if (look.Own is { } own) (etcdLease, createRevision) = (own.Lease, own.CreateRevision);
        // First of all the configuration: a status may be what its change brought about.
        TellConfig(look.Config);
        events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(look.Status)));
        TellController(look.Controller);
    }

    /// <returns>The last event of the own key, if there was one.</returns>
    public OwnKeyEvent? Take(WatchResponse answer)
    {
        OwnKeyEvent? own = null;
        foreach (var change in answer.Events)
        {
            var pair = change.Type == Event.Types.EventType.Delete ? null : change.Kv;
            switch (answer.WatchId)
            {
                case OwnWatch:
                    own = new OwnKeyEvent(pair, change.Kv.ModRevision);
                    if (pair is not null) (etcdLease, createRevision) = (pair.Lease, pair.CreateRevision);
                    break;
                case StatusWatch:
                    events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(pair)));
                    break;
                case ConfigWatch:
                    TellConfig(LeaseReader.ReadConfig(pair));
                    break;
                default:
                    TellController(pair);
                    break;
            }
        }

        return own;
    }

    private ByteString[] Names(SubnetKey key) => [keys.Lease(key), keys.Route(key.ToString()), keys.Config, keys.Controller];

    private RouteStatus? ReadStatus(KeyValue? pair)
    {
        // The status of an earlier holding of the subnet, such as a reservation's that was deleted: the controller will write a new one.
        // Both revisions are of what etcd holds now, so their order says which was written first.
        if (pair is null || pair.Lease != etcdLease || pair.ModRevision <= createRevision) return null;
        var status = RouteStatus.Parse(pair.Value.Span);
        if (status is null) EtcdLog.UnreadableStatus(logger, pair.Key.ToStringUtf8());
        return status;
    }

    private void TellConfig(ConfigState config)
    {
        if (config.ModRevision == configRevision) return;
        configRevision = config.ModRevision;
        events.TryWrite(new LeaseEvent.ConfigChanged(config));
    }

    private void TellController(KeyValue? pair)
    {
        var holder = ControllerHolder.Read(pair);
        if (controllerTold && holder == controller) return;
        controllerTold = true;
        controller = holder;
        events.TryWrite(new LeaseEvent.ControllerChanged(holder));
    }
}
