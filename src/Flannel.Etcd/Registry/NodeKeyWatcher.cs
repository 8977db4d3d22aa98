using System.Threading.Channels;
using Etcdserverpb;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Google.Protobuf;
using Mvccpb;

namespace Flannel.Etcd.Registry;

/// <summary>The four keys that concern one node, at one revision.</summary>
internal sealed record NodeKeySnapshot(KeyValue? Own, KeyValue? Status, ConfigState Config, KeyValue? Controller, long Revision);

/// <summary>A change of the key of the node's lease.</summary>
/// <param name="Pair">Null if it was deleted.</param>
internal sealed record OwnKeyEvent(KeyValue? Pair, long Revision);

/// <summary>Reads and watches the keys that concern one node, and reports what has changed.</summary>
internal sealed class NodeKeyWatcher(EtcdContext context, HeldLease held, ChannelWriter<LeaseEvent> events)
{
    private readonly ByteString ownKey = context.Keys.Lease(held.Lease.Key);
    private readonly ByteString statusKey = context.Keys.Route(held.Lease.Key.ToString());
    private ConfigState lastConfig = new ConfigState.Present(held.Config, held.ConfigRevision);
    private long etcdLeaseId = held.Lease.EtcdLeaseId;
    private long createRevision = held.Lease.CreateRevision;
    private KeyValue? status;
    private ControllerHolder? controller;
    private bool isControllerReported;

    private ByteString[] Keys => [ownKey, statusKey, context.Keys.Config, context.Keys.Controller];

    public async Task<NodeKeySnapshot> ReadAsync(CancellationToken cancellation)
    {
        var request = new TxnRequest();
        foreach (var key in Keys) request.Success.Add(new RequestOp { RequestRange = new RangeRequest { Key = key } });
        var response = await context.Etcd.TxnAsync(request, cancellation);
        return new NodeKeySnapshot(At(0), At(1), LeaseReader.ReadConfig(At(2)), At(3), response.Header.Revision);

        KeyValue? At(int index) => response.Responses[index].ResponseRange.Kvs.FirstOrDefault();
    }

    public List<WatchCreateRequest> Ranges(long fromRevision) =>
        [.. Keys.Select(key => new WatchCreateRequest { Key = key, StartRevision = fromRevision })];

    public void Report(NodeKeySnapshot snapshot)
    {
        if (snapshot.Own is { } own) (etcdLeaseId, createRevision) = (own.Lease, own.CreateRevision);
        status = snapshot.Status;
        // The configuration first: its change may be the cause of the status.
        ReportConfig(snapshot.Config);
        events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(status)));
        ReportController(snapshot.Controller);
    }

    /// <returns>The last change of the own key; null if there is none.</returns>
    public OwnKeyEvent? Apply(WatchResponse response)
    {
        OwnKeyEvent? own = null;
        foreach (var change in response.Events)
        {
            var pair = change.Type == Event.Types.EventType.Delete ? null : change.Kv;
            if (change.Kv.Key.Equals(ownKey))
            {
                own = new OwnKeyEvent(pair, change.Kv.ModRevision);
                if (pair is not null) ReportAttachedStatus(pair);
            }
            else if (change.Kv.Key.Equals(statusKey))
            {
                status = pair;
                events.TryWrite(new LeaseEvent.RouteStatusChanged(ReadStatus(status)));
            }
            else if (change.Kv.Key.Equals(context.Keys.Config))
            {
                ReportConfig(LeaseReader.ReadConfig(pair));
            }
            else if (change.Kv.Key.Equals(context.Keys.Controller))
            {
                ReportController(pair);
            }
        }

        return own;
    }

    /// <summary>Only the events of one key come in order: a status may come before the etcd lease that it is attached to.</summary>
    private void ReportAttachedStatus(KeyValue own)
    {
        if (own.Lease == etcdLeaseId && own.CreateRevision == createRevision) return;
        (etcdLeaseId, createRevision) = (own.Lease, own.CreateRevision);
        if (ReadStatus(status) is { } attached) events.TryWrite(new LeaseEvent.RouteStatusChanged(attached));
    }

    private RouteStatus? ReadStatus(KeyValue? pair)
    {
        // The status of an earlier lease of the subnet, such as a deleted reservation, is not used: the controller will write a new one.
        // Both revisions are of what etcd holds now, so their order says which was written first.
        if (pair is null || pair.Lease != etcdLeaseId || pair.ModRevision <= createRevision) return null;
        var read = RouteStatus.Parse(pair.Value.Span);
        if (read is null) EtcdLog.UnreadableStatus(context.Logger, pair.Key.ToStringUtf8());
        return read;
    }

    private void ReportConfig(ConfigState config)
    {
        if (config.IsSameAs(lastConfig)) return;
        lastConfig = config;
        events.TryWrite(new LeaseEvent.ConfigChanged(config));
    }

    private void ReportController(KeyValue? pair)
    {
        var holder = ControllerHolderValue.Read(pair);
        if (isControllerReported && holder == controller) return;
        isControllerReported = true;
        controller = holder;
        events.TryWrite(new LeaseEvent.ControllerChanged(holder));
    }
}
