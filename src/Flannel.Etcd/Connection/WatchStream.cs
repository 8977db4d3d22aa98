using Etcdserverpb;
using Grpc.Core;

namespace Flannel.Etcd.Connection;

/// <summary>One watch stream on one member. etcd's answers to progress requests prove only that it lives: their revisions are not used,
/// because etcd before 3.5.8 sent them too early.</summary>
internal sealed class WatchStream : IDisposable
{
    private readonly EtcdConnection connection;
    private readonly Member member;
    private readonly AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call;
    private readonly TimeProvider time;
    private readonly Task moved;
    private readonly Queue<WatchResponse> early = new();

    private WatchStream(
        EtcdConnection connection, Member member, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, TimeProvider time)
    {
        this.connection = connection;
        this.member = member;
        this.call = call;
        this.time = time;
        moved = connection.Moved;
    }

    /// <summary>Completes when the member watches all ranges.</summary>
    public static Task<WatchStream> OpenAsync(
        EtcdConnection connection, IReadOnlyList<WatchCreateRequest> ranges, TimeProvider time, CancellationToken cancellation)
    {
        var deniedBefore = false;
        return connection.TryMembersAsync(repeatable: true, BeginAsync, cancellation, isStream: true);

        async Task<WatchStream> BeginAsync(Member member, CallOptions options, CancellationToken limit)
        {
            var stream = new WatchStream(connection, member, member.Watches.Watch(options), time);
            try
            {
                await stream.BeginAsync(ranges, limit);
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
                if (!early.TryDequeue(out var answer)) answer = await ReadAsync(cancellation);
                if (answer.Canceled) throw End(answer);
                if (answer.Created || answer.Events.Count > 0) return answer;
            }
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            var failure = member.Understand(e, tooLong: false);
            if (failure.Elsewhere) connection.Leave(member);
            throw failure.Error;
        }
    }

    public void Dispose() => call.Dispose();

    private async Task BeginAsync(IReadOnlyList<WatchCreateRequest> ranges, CancellationToken limit)
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
            early.Enqueue(answer);
        }
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
            await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, cancellation);
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
