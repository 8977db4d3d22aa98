using Etcdserverpb;
using Flannel.Etcd.Registry;
using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>One watch stream on one member.</summary>
/// <remarks>The watch ids of the answers are the server's: etcd takes those that are asked for, etcd's grpc-proxy assigns its own. A stream
/// that is silent is probed by one more watch on it, which is cancelled when it was created. A progress request would be simpler, but
/// grpc-proxy does not answer one, and that of etcd before 3.5 crashes on it (<c>proxy/grpcproxy/watch.go</c>, recvLoop).</remarks>
internal sealed class WatchStream : IDisposable
{
    private readonly EtcdConnection connection;
    private readonly Member member;
    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call;
    private readonly TimeProvider time;
    private readonly Task moved;
    private readonly IReadOnlyList<WatchCreateRequest> ranges;
    private readonly Queue<WatchResponse> early = new();
    private readonly HashSet<long> ids = [];

    // The newest revision that is known to the caller.
    private long newest;

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
        moved = connection.Moved;
        newest = ranges.Max(range => range.StartRevision) - 1;
    }

    /// <summary>Completes when the member watches all ranges.</summary>
    public static Task<WatchStream> OpenAsync(
        EtcdConnection connection, IReadOnlyList<WatchCreateRequest> ranges, TimeProvider time, CancellationToken cancellation)
    {
        var deniedBefore = false;
        return connection.TryMembersAsync(repeatable: true, BeginAsync, cancellation, isStream: true);

        async Task<WatchStream> BeginAsync(Member member, CallOptions options, CancellationToken limit)
        {
            var stream = new WatchStream(connection, member, member.Watches.Watch(options), ranges, time);
            try
            {
                await stream.BeginAsync(limit);
                return stream;
            }
            catch (RpcException e)
                when (!deniedBefore && ServerErrors.Of(e.StatusCode, e.Status.Detail).Kind == EtcdErrorKind.PermissionDenied)
            {
                // etcd 3.4 says so of a token that it does not know, too. With a new token the second answer is the true one.
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

    /// <summary>The next answer that says something.</summary>
    public async Task<WatchResponse> NextAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                if (early.TryDequeue(out var first)) return first;
                var answer = await ReadAsync(cancellation);
                if (answer.Created) await EndProbeAsync(answer, cancellation);
                else if (answer.Canceled && ids.Contains(answer.WatchId)) throw End(answer);
                if (answer.Events.Count == 0) continue;
                newest = Math.Max(newest, answer.Events[^1].Kv.ModRevision);
                return answer;
            }
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            var failure = member.Understand(e, limit: null);
            if (failure.Elsewhere) connection.Leave(member);
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
            if (!await call.ResponseStream.MoveNext(limit)) throw Ended();
            var answer = call.ResponseStream.Current;
            if (answer.Canceled) throw End(answer);
            if (answer.Created) created++;
            ids.Add(answer.WatchId);
            early.Enqueue(answer);
        }
    }

    /// <summary>Asks for a watch whose filters leave no event: whether it is created or refused, the answer proves that the stream
    /// works.</summary>
    private async Task ProbeAsync(CancellationToken cancellation)
    {
        var create = new WatchCreateRequest { Key = ranges[0].Key, RangeEnd = ranges[0].RangeEnd, WatchId = ranges.Count + 1 };
        create.Filters.Add([WatchCreateRequest.Types.FilterType.Noput, WatchCreateRequest.Types.FilterType.Nodelete]);
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancellation);
    }

    private async Task EndProbeAsync(WatchResponse answer, CancellationToken cancellation)
    {
        if (answer.Canceled) return;
        // A proxy keeps its stream open while etcd behind it is restored from a snapshot, and sends no event until etcd's revision has
        // passed the one of before.
        if (answer.Header.Revision < newest)
            throw new EtcdException(EtcdErrorKind.Compacted, "etcd's revision went back", mayHaveHappened: false);
        var cancel = new WatchCancelRequest { WatchId = answer.WatchId };
        await call.RequestStream.WriteAsync(new WatchRequest { CancelRequest = cancel }, cancellation);
    }

    private async Task<WatchResponse> ReadAsync(CancellationToken cancellation)
    {
        var reading = call.ResponseStream.MoveNext(cancellation);
        var asked = false;
        while (!reading.IsCompleted)
        {
            using var heard = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var silence = Task.Delay(asked ? EtcdDurations.WatchProgress : EtcdDurations.WatchSilence, time, heard.Token);
            var first = await Task.WhenAny(reading, silence, moved);
            await heard.CancelAsync();
            if (first == reading) break;
            cancellation.ThrowIfCancellationRequested();
            // Whoever watches begins again where it left off, and that will be there.
            if (moved.IsCompleted)
                throw new EtcdException(EtcdErrorKind.Unavailable, $"the watch leaves {member.Name} for a member that is well again", false);
            connection.ConsiderHome();
            if (asked) throw new RpcException(new Status(StatusCode.Unavailable, "the watch is silent"));
            asked = true;
            await ProbeAsync(cancellation);
        }

        return await reading ? call.ResponseStream.Current : throw Ended();
    }

    private static RpcException End(WatchResponse answer)
    {
        var why = answer.CompactRevision != 0 ? "etcdserver: mvcc: required revision has been compacted"
            : answer.CancelReason.Length > 0 ? ServerErrors.Bare(answer.CancelReason)
            : "the watch was cancelled by the server";
        return new RpcException(new Status(StatusCode.Unknown, why));
    }

    private static RpcException Ended() => new(new Status(StatusCode.Unavailable, "the watch ended"));
}
