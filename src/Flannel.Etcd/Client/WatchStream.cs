using Etcdserverpb;
using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>One watch stream on one member.</summary>
/// <remarks>The watch ids in responses are the server's: etcd uses the requested ones, its grpc-proxy assigns its own. A silent stream is
/// probed by one more watch on it, which is cancelled once it is created. A progress request would be simpler, but grpc-proxy ignores it,
/// and that of etcd before 3.5 crashes on it (<c>proxy/grpcproxy/watch.go</c>, recvLoop).</remarks>
internal sealed class WatchStream : IDisposable
{
    private readonly EtcdConnection connection;
    private readonly Member member;
    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call;
    private readonly TimeProvider time;
    private readonly Task returned;
    private readonly IReadOnlyList<WatchCreateRequest> ranges;
    private readonly Queue<WatchResponse> unread = new();
    private readonly HashSet<long> ids = [];

    // The newestRevision revision that was returned to the caller.
    private long newestRevision;

    private WatchStream(
        EtcdConnection connection,
        Member member,
        AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call,
        IReadOnlyList<WatchCreateRequest> ranges,
        TimeProvider time)
    {
        this.connection = connection;
        this.member = member;
        this.call = call;
        this.ranges = ranges;
        this.time = time;
        returned = connection.Returned;
        newestRevision = ranges.Max(range => range.StartRevision) - 1;
    }

    /// <summary>Returns when the member watches all ranges.</summary>
    public static Task<WatchStream> OpenAsync(
        EtcdConnection connection, IReadOnlyList<WatchCreateRequest> ranges, TimeProvider time, CancellationToken cancellation)
    {
        var deniedBefore = false;
        var attempt = new MemberAttempt<WatchStream>(EtcdOperation.Watch, BeginAsync) { IsRepeatable = true, IsStream = true };
        return connection.TryMembersAsync(attempt, cancellation);

        async Task<WatchStream> BeginAsync(Member member, CallOptions options, CancellationToken limit)
        {
            var stream = new WatchStream(connection, member, member.Open(EtcdMethods.Watch, options), ranges, time);
            try
            {
                await stream.BeginAsync(limit);
                return stream;
            }
            catch (RpcException e)
                when (!deniedBefore && ServerErrors.Of(e.StatusCode, e.Status.Detail).Kind == EtcdErrorKind.PermissionDenied)
            {
                // etcd 3.4 returns this for an invalid token, too. The second response, with a new token, is reliable.
                deniedBefore = true;
                stream.Dispose();
                if (options.Headers!.Any(header => header.Key == "token"))
                    throw new RpcException(new Status(StatusCode.Unauthenticated, "etcdserver: invalid auth token"));
                throw;
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        }
    }

    /// <summary>The next response with an event, or that confirms a range.</summary>
    public async Task<WatchResponse> NextAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                if (unread.TryDequeue(out var first)) return first;
                var response = await ReadAsync(cancellation);
                if (response.Created) await EndProbeAsync(response, cancellation);
                else if (response.Canceled && ids.Contains(response.WatchId)) throw Cancelled(response);
                if (response.Events.Count == 0) continue;
                newestRevision = Math.Max(newestRevision, response.Events[^1].Kv.ModRevision);
                return response;
            }
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            var failure = member.Classify(e, limit: null);
            if (failure.MayWorkElsewhere) connection.ReportFailure(member);
            throw failure.Error;
        }
    }

    public void Dispose() => call.Dispose();

    private async Task BeginAsync(CancellationToken limit)
    {
        for (var i = 0; i < ranges.Count; i++)
        {
            var create = ranges[i].Clone();
            create.WatchId = i + 1;
            create.Fragment = true;
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, limit);
        }

        for (var created = 0; created < ranges.Count;)
        {
            if (!await call.ResponseStream.MoveNext(limit)) throw EndOfStream();
            var response = call.ResponseStream.Current;
            if (response.Canceled) throw Cancelled(response);
            if (response.Created) created++;
            ids.Add(response.WatchId);
            unread.Enqueue(response);
        }
    }

    /// <summary>Requests a watch whose filters exclude every event. Created or rejected, its response proves that the stream
    /// works.</summary>
    private async Task ProbeAsync(CancellationToken cancellation)
    {
        var create = new WatchCreateRequest { Key = ranges[0].Key, RangeEnd = ranges[0].RangeEnd, WatchId = ranges.Count + 1 };
        create.Filters.Add([WatchCreateRequest.Types.FilterType.Noput, WatchCreateRequest.Types.FilterType.Nodelete]);
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancellation);
    }

    private async Task EndProbeAsync(WatchResponse response, CancellationToken cancellation)
    {
        if (response.Canceled) return;
        // A proxy keeps its stream open while the etcd behind it is restored from a snapshot, and sends no event until etcd reaches the
        // former revision again.
        if (response.Header.Revision < newestRevision)
            throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", mayHaveHappened: false);
        var cancel = new WatchCancelRequest { WatchId = response.WatchId };
        await call.RequestStream.WriteAsync(new WatchRequest { CancelRequest = cancel }, cancellation);
    }

    private async Task<WatchResponse> ReadAsync(CancellationToken cancellation)
    {
        var reading = call.ResponseStream.MoveNext(cancellation);
        var isProbed = false;
        while (!reading.IsCompleted)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var silence = Task.Delay(isProbed ? EtcdDurations.WatchProbe : EtcdDurations.WatchSilence, time, ended.Token);
            var first = await Task.WhenAny(reading, silence, returned);
            await ended.CancelAsync();
            if (first == reading) break;
            cancellation.ThrowIfCancellationRequested();
            // The caller watches again from its last revision, at the preferred member.
            if (returned.IsCompleted)
            {
                var reason = $"the watch moves from {member.Name} to the preferred member, which has recovered";
                throw new EtcdException(EtcdErrorKind.Unavailable, reason, mayHaveHappened: false);
            }

            connection.ProbePreferredIfDue();
            if (isProbed) throw new RpcException(new Status(StatusCode.Unavailable, "the watch is silent"));
            isProbed = true;
            await ProbeAsync(cancellation);
        }

        return await reading ? call.ResponseStream.Current : throw EndOfStream();
    }

    private static RpcException Cancelled(WatchResponse response)
    {
        var reason = ServerErrors.WithoutGrpcPrefix(response.CancelReason);
        if (response.CompactRevision != 0) reason = "etcdserver: mvcc: required revision has been compacted";
        else if (reason.Length == 0) reason = "the watch was cancelled by the server";
        return new RpcException(new Status(StatusCode.Unknown, reason));
    }

    private static RpcException EndOfStream() => new(new Status(StatusCode.Unavailable, "the watch ended"));
}
