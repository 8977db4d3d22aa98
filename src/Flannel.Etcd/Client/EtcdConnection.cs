using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Etcd.Registry;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <param name="Version">Such as <c>3.5.16</c>; null when it gave no answer.</param>
/// <param name="Problem">One line, when it gave none.</param>
public sealed record MemberVersion(string Endpoint, string? Version, string Problem);

/// <summary>A cluster of etcd members. Requests go to one of them until it fails, then to the next, and back when the first is well again
/// (<see cref="EndpointSelector"/>). What was sent is never repeated unless repeating it is harmless. Nothing is connected before the first
/// request.
/// Limits run on the <see cref="TimeProvider"/>; HTTP/2's pings run on real time.</summary>
public sealed class EtcdConnection : IEtcd, IDisposable
{
    private static readonly ByteString Anything = ByteString.CopyFromUtf8("/");

    private readonly Member[] members;
    private readonly Token token;
    private readonly AvailabilityLog reachability;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly EndpointSelector rotation;
    private readonly CancellationTokenSource disposed = new();

    /// <param name="random">Chooses the member to begin with, so that many nodes spread over the members.</param>
    public EtcdConnection(EtcdOptions options, TimeProvider time, Random random, ILogger logger)
    {
        var files = new TlsFiles(options, logger);
        members = [.. options.Endpoints.Select(endpoint => new Member(endpoint, files, options, time))];
        token = new Token(options);
        reachability = new AvailabilityLog(time, logger);
        this.time = time;
        this.logger = logger;
        rotation = new EndpointSelector(members.Length, time, random);
        foreach (var open in options.OpenToTheNetwork) EtcdLog.ClearText(logger, open.GetLeftPart(UriPartial.Authority));
    }

    /// <summary>Reads the TLS files without asking etcd, so that a mistake in them is told even while etcd is away.</summary>
    /// <returns>Null, or one line that names the file.</returns>
    public static string? FileProblem(EtcdOptions options)
    {
        try
        {
            new TlsFiles(options).Current();
            return null;
        }
        catch (EtcdConnectException e)
        {
            return e.Message;
        }
    }

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        CallAsync(repeatable: true, (member, options) => member.Keys.RangeAsync(request, options), cancellation);

    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        CallAsync(IsRead(request), (member, options) => member.Keys.TxnAsync(request, options), cancellation);

    public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation)
    {
        var request = new LeaseGrantRequest { ID = leaseId, TTL = (long)timeToLive.TotalSeconds };
        return CallAsync(repeatable: false, (member, options) => member.Leases.LeaseGrantAsync(request, options), cancellation);
    }

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        LeaseKeepAliveOnceAsync(leaseId, EtcdDurations.Call, cancellation);

    public async Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation)
    {
        var seconds = await TryMembersAsync(repeatable: true, KeepAliveAsync, cancellation, callLimit: callLimit);
        return seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;

        async Task<long> KeepAliveAsync(Member member, CallOptions options, CancellationToken limit)
        {
            using var call = member.Leases.LeaseKeepAlive(options);
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = leaseId }, limit);
            if (!await call.ResponseStream.MoveNext(limit))
                throw new RpcException(new Status(StatusCode.Unavailable, "the renewal was not answered"));
            return call.ResponseStream.Current.TTL;
        }
    }

    public async Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation)
    {
        var request = new LeaseRevokeRequest { ID = leaseId };
        try
        {
            await CallAsync(repeatable: true, (member, options) => member.Leases.LeaseRevokeAsync(request, options), cancellation);
        }
        catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
        {
            // Ended already, maybe by the first of two attempts.
        }
    }

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stream = await WatchStream.OpenAsync(this, ranges, time, cancellation);
        while (true) yield return await stream.NextAsync(cancellation);
    }

    /// <summary>Asks each member which etcd it is: all of them at once, none in another's stead.</summary>
    public Task<MemberVersion[]> VersionsAsync(CancellationToken cancellation) => Task.WhenAll(members.Select(member => VersionAsync(member, cancellation)));

    private async Task<MemberVersion> VersionAsync(Member member, CancellationToken cancellation)
    {
        using var tooLong = new CancellationTokenSource(EtcdDurations.Call, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, tooLong.Token);
        try
        {
            var used = await token.GetAsync(member, limit.Token);
            using var call = member.Maintenance.StatusAsync(new StatusRequest(), Options(used, limit.Token));
            return new MemberVersion(member.Name, (await call.ResponseAsync).Version, "");
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            return new MemberVersion(member.Name, null,
                member.Understand(e, tooLong.IsCancellationRequested ? EtcdDurations.Call : null).Error.Message);
        }
        catch (EtcdException e)
        {
            return new MemberVersion(member.Name, null, e.Message);
        }
    }

    /// <summary>Tries each member once, beginning with the one that answered last. A stale token is renewed once, at the same
    /// member.</summary>
    /// <param name="repeatable">Whether a request that may have been carried out may be sent again.</param>
    /// <param name="attempt">Gets the limit for its answer beside the options; for a stream, the options live longer than that.</param>
    /// <param name="callLimit">For the answer of each member; null for <see cref="EtcdDurations.Call"/>.</param>
    internal async Task<T> TryMembersAsync<T>(
        bool repeatable,
        Func<Member, CallOptions, CancellationToken, Task<T>> attempt,
        CancellationToken cancellation,
        bool isStream = false,
        TimeSpan? callLimit = null)
    {
        var atMost = callLimit ?? EtcdDurations.Call;
        var first = rotation.Current;
        var tokenRenewed = false;
        var failures = new List<EtcdException>(0);
        while (true)
        {
            var member = members[(first + failures.Count) % members.Length];
            using var tooLong = new CancellationTokenSource(atMost, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, tooLong.Token);
            string? used = null;
            var sent = false;
            try
            {
                used = await token.GetAsync(member, limit.Token);
                sent = true;
                var answer = await attempt(member, Options(used, isStream ? cancellation : limit.Token), limit.Token);
                Answered(member);
                return answer;
            }
            catch (Exception e) when (e is not EtcdException)
            {
                cancellation.ThrowIfCancellationRequested();
                var failure = member.Understand(e, tooLong.IsCancellationRequested ? atMost : null);
                if (failure.StaleToken && !tokenRenewed && used is not null)
                {
                    token.Forget(used);
                    tokenRenewed = true;
                    continue;
                }

                var mayHaveHappened = sent && failure.Error.MayHaveHappened && !repeatable;
                if (!failure.Elsewhere)
                {
                    // It answered, if only to say no.
                    Answered(member);
                    throw Summary([failure.Error], mayHaveHappened);
                }

                EtcdLog.MemberFailed(logger, failure.Error.Message);
                Leave(member);
                failures.Add(failure.Error);
                if (failures.Count < members.Length && !mayHaveHappened) continue;
                var summary = Summary(failures, mayHaveHappened);
                if (failures.Count == members.Length)
                {
                    reachability.Failed(summary);
                    // etcd holds a request back until it has applied the very entry that its token came from. One that was restored from a
                    // snapshot has not got so far, and would not for days: from now on with a token of its own.
                    if (used is not null && failures.Exists(known => known.Kind == EtcdErrorKind.TimedOut)) token.Forget(used);
                }

                throw summary;
            }
        }
    }

    /// <inheritdoc cref="EndpointSelector.Moved"/>
    internal Task Moved => rotation.Moved;

    /// <inheritdoc cref="EndpointSelector.Leave"/>
    internal void Leave(Member member) => rotation.Leave(Array.IndexOf(members, member));

    /// <summary>Asks the member that this node belongs to whether it is well again, if that is due. In the background: nobody waits
    /// for a member that may hang. Called whenever something is heard from another one, so that it needs no timer.</summary>
    internal void ConsiderHome()
    {
        if (rotation.MustAskHome(out var home)) _ = AskHomeAsync(members[home]);
    }

    private async Task AskHomeAsync(Member home)
    {
        bool well;
        try
        {
            using var tooLong = new CancellationTokenSource(EtcdDurations.Call, time);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(disposed.Token, tooLong.Token);
            var used = await token.GetAsync(home, limit.Token);
            // Through the leader: a member that answers this is no lonely one.
            using var call = home.Keys.RangeAsync(new RangeRequest { Key = Anything, KeysOnly = true }, Options(used, limit.Token));
            await call.ResponseAsync;
            well = true;
        }
        catch (Exception e)
        {
            var failure = home.Understand(e, e is OperationCanceledException ? EtcdDurations.Call : null);
            // What etcd itself says, such as that the key is forbidden, it says in good health.
            well = !failure.Elsewhere;
            if (!well) EtcdLog.MemberFailed(logger, failure.Error.Message);
        }

        if (well) EtcdLog.HomeAgain(logger, home.Name);
        rotation.Asked(well);
    }

    public void Dispose()
    {
        disposed.Cancel();
        disposed.Dispose();
        foreach (var member in members) member.Dispose();
        token.Dispose();
    }

    private void Answered(Member member)
    {
        rotation.Answered(Array.IndexOf(members, member));
        reachability.Answered(member);
        ConsiderHome();
    }

    /// <summary>All members' failures in one line. A wrong certificate at one member is not the reason if another is only down.</summary>
    private static EtcdException Summary(List<EtcdException> failures, bool mayHaveHappened)
    {
        var telling = failures.FindLast(failure => failure.CanHeal) ?? failures[^1];
        var message = string.Join("; ", failures.Select(failure => failure.Message).Distinct());
        return new EtcdException(telling.Kind, message, mayHaveHappened, telling.InnerException);
    }

    private static bool IsRead(TxnRequest request) =>
        request.Success.Concat(request.Failure).All(op => op.RequestCase == RequestOp.RequestOneofCase.RequestRange);

    private static CallOptions Options(string? token, CancellationToken life)
    {
        // A member that has lost its leader refuses at once, instead of keeping us waiting for a quorum that is elsewhere.
        var headers = new Metadata { { "hasleader", "true" } };
        if (!string.IsNullOrEmpty(token)) headers.Add("token", token);
        return new CallOptions(headers, cancellationToken: life);
    }

    private Task<T> CallAsync<T>(bool repeatable, Func<Member, CallOptions, AsyncUnaryCall<T>> call, CancellationToken cancellation) =>
        TryMembersAsync(
            repeatable,
            async (member, options, _) =>
            {
                using var running = call(member, options);
                return await running.ResponseAsync;
            },
            cancellation);
}
