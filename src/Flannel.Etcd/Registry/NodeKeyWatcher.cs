using System.Threading.Channels;
using Etcdserverpb;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>The four keys that concern one node, at one revision.</summary>
internal sealed record NodeKeySnapshot(KeyValue? Own, KeyValue? Status, ConfigState Config, KeyValue? Controller, long Revision);

/// <summary>What happened to the own key.</summary>
/// <param name="Pair">Null when it was deleted.</param>
/// <param name="Revision">When.</param>
internal sealed record OwnKeyEvent(KeyValue? Pair, long Revision);

/// <summary>Reads and watches what concerns one node, and hands on what is new of it.</summary>
internal sealed class NodeKeyWatcher(IEtcd etcd, EtcdKeys keys, HeldLease held, ChannelWriter<LeaseEvent> events, ILogger logger)
{
    private readonly ByteString ownKey = keys.Lease(held.Lease.Key);
    private readonly ByteString statusKey = keys.Route(held.Lease.Key.ToString());
    private ConfigState lastConfig = new ConfigState.Present(held.Config, held.ConfigRevision);
    private long etcdLease = held.Lease.EtcdLeaseId;
    private long createRevision = held.Lease.CreateRevision;
    private KeyValue? status;
    private ControllerHolder? controller;
    private bool controllerTold;

    private ByteString[] Names => [ownKey, statusKey, keys.Config, keys.Controller];

    public async Task<NodeKeySnapshot> LookAsync(CancellationToken cancellation)
    {
        var request = new TxnRequest();
        foreach (var name in Names) request.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = name } });
        var answer = await etcd.TxnAsync(request, cancellation);
        return new NodeKeySnapshot(At(0), At(1), LeaseReader.ReadConfig(At(2)), At(3), answer.Header.Revision);

        KeyValue? At(int index) => answer.Responses[index].ResponseRange.Kvs.FirstOrDefault();
    }

    public List<WatchCreateRequest> Ranges(long fromRevision) =>
        [.. Names.Select(name => new WatchCreateRequest { Key = name, StartRevision = fromRevision })];

    public void Tell(NodeKeySnapshot look)
    {
        if (look.Own is { } own) (etcdLease, createRevision) = (own.Lease, own.CreateRevision);
        status = look.Status;
        // The configuration first: its change may be the cause of the status.
        TellConfig(look.Config);
        events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(status)));
        TellController(look.Controller);
    }

    /// <returns>The last event of the own key, if there was one.</returns>
    public OwnKeyEvent? Take(WatchResponse answer)
    {
        OwnKeyEvent? own = null;
        foreach (var change in answer.Events)
        {
            var pair = change.Type == Event.Types.EventType.Delete ? null : change.Kv;
            if (change.Kv.Key.Equals(ownKey))
            {
                own = new OwnKeyEvent(pair, change.Kv.ModRevision);
                if (pair is not null) AttachTo(pair);
            }
            else if (change.Kv.Key.Equals(statusKey))
            {
                status = pair;
                events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(status)));
            }
            else if (change.Kv.Key.Equals(keys.Config))
            {
                TellConfig(LeaseReader.ReadConfig(pair));
            }
            else if (change.Kv.Key.Equals(keys.Controller))
            {
                TellController(pair);
            }
        }

        return own;
    }

    /// <summary>Only the events of one key come in order: a status may come before the etcd lease that it is attached to.</summary>
    private void AttachTo(KeyValue own)
    {
        if (own.Lease == etcdLease && own.CreateRevision == createRevision) return;
        (etcdLease, createRevision) = (own.Lease, own.CreateRevision);
        if (ReadStatus(status) is { } attached) events.TryWrite(new LeaseEvent.RouteStatusChanged(attached));
    }

    private RouteStatus? ReadStatus(KeyValue? pair)
    {
        // The status of an earlier holding of the subnet, such as a reservation's that was deleted: the controller will write a new one.
        // Both revisions are of what etcd holds now, so their order says which was written first.
        if (pair is null || pair.Lease != etcdLease || pair.ModRevision <= createRevision) return null;
        var read = RouteStatus.Parse(pair.Value.Span);
        if (read is null) EtcdLog.UnreadableStatus(logger, pair.Key.ToStringUtf8());
        return read;
    }

    private void TellConfig(ConfigState config)
    {
        if (config.IsSameAs(lastConfig)) return;
        lastConfig = config;
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
