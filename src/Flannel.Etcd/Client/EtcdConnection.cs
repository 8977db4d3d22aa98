using System.Globalization;
using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Tls;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.Etcd.Client;

/// <summary>A member of the cluster and its version.</summary>
/// <param name="Version">Such as <c>3.5.16</c>; a failure if the member is unavailable or rejects the request.</param>
public sealed record MemberVersion(string Endpoint, Result<string> Version);

/// <summary>A cluster of etcd members. Requests are sent to one of them until it fails, then to the next, and to the first again when it
/// has recovered (<see cref="EndpointSelector"/>). A request that may have been executed is repeated only if that is harmless. The first
/// request opens the connection. Thread-safe.</summary>
/// <remarks>Time-outs use the <see cref="TimeProvider"/>; HTTP/2's pings use real time.</remarks>
public sealed class EtcdConnection : IEtcd, IDisposable
{
    private static readonly ByteString AnyKey = ByteString.CopyFromUtf8("/");

    private readonly EtcdOptions options;
    private readonly Member[] members;
    private readonly IEtcdObserver observer;
    private readonly RequestMeter meter;
    private readonly Token token;
    private readonly AvailabilityLog availability;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly EndpointSelector selector;
    private readonly CancellationTokenSource disposed = new();
    private int isClearTextLogged;

    /// <param name="random">Chooses the preferred member, so that many nodes spread over the members.</param>
    /// <param name="observer">Receives the results of requests; null for none.</param>
    public EtcdConnection(EtcdOptions options, TimeProvider time, Random random, ILogger logger, IEtcdObserver? observer = null)
    {
        this.options = options;
        this.observer = observer ?? NoEtcdObserver.Instance;
        meter = new RequestMeter(this.observer, time);
        var files = new TlsFiles(options.Tls, problem => EtcdLog.FormerFileUsed(logger, problem));
        members = [.. options.Endpoints.Select(endpoint => new Member(endpoint, files, options, time))];
        token = new Token(options, meter);
        availability = new AvailabilityLog(time, logger);
        this.time = time;
        this.logger = logger;
        selector = new EndpointSelector(members.Length, time, random);
    }

    /// <summary>Reads the TLS files, so that a mistake in them is reported while etcd is unavailable, too.</summary>
    /// <returns>The error names the file.</returns>
    public static Result<Unit> CheckFiles(EtcdOptions options) => new TlsFiles(options.Tls).Current().Select(_ => Unit.Instance);

    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        CallAsync(EtcdOperation.Range, isRepeatable: true, EtcdMethods.Range, request, cancellation);

    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        CallAsync(EtcdOperation.Txn, IsRead(request), EtcdMethods.Txn, request, cancellation);

    public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation)
    {
        var request = new LeaseGrantRequest { ID = leaseId, TTL = (long)timeToLive.TotalSeconds };
        return CallAsync(EtcdOperation.LeaseGrant, isRepeatable: false, EtcdMethods.LeaseGrant, request, cancellation);
    }

    public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) =>
        LeaseKeepAliveOnceAsync(leaseId, EtcdDurations.Call, cancellation);

    public async Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, TimeSpan callLimit, CancellationToken cancellation)
    {
        var attempt = new MemberAttempt<long>(EtcdOperation.LeaseKeepAlive, KeepAliveAsync) { IsRepeatable = true, CallLimit = callLimit };
        var seconds = await TryMembersAsync(attempt, cancellation);
        return seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;

        async Task<long> KeepAliveAsync(Member member, CallOptions call, CancellationToken limit)
        {
            using var stream = member.Open(EtcdMethods.LeaseKeepAlive, call);
            await stream.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = leaseId }, limit);
            if (!await stream.ResponseStream.MoveNext(limit))
                throw new RpcException(new Status(StatusCode.Unavailable, "no response to the renewal"));
            return stream.ResponseStream.Current.TTL;
        }
    }

    /// <summary>The time until a lease expires unless it is renewed; null if it does not exist.</summary>
    public async Task<TimeSpan?> LeaseTimeToLiveAsync(long leaseId, CancellationToken cancellation)
    {
        var request = new LeaseTimeToLiveRequest { ID = leaseId };
        var response = await CallAsync(
            EtcdOperation.LeaseTimeToLive, isRepeatable: true, EtcdMethods.LeaseTimeToLive, request, cancellation);
        // -1 for a lease that does not exist.
        return response.TTL > 0 ? TimeSpan.FromSeconds(response.TTL) : null;
    }

    public async Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation)
    {
        var request = new LeaseRevokeRequest { ID = leaseId };
        try
        {
            await CallAsync(EtcdOperation.LeaseRevoke, isRepeatable: true, EtcdMethods.LeaseRevoke, request, cancellation);
        }
        catch (EtcdException e) when (e.Kind == EtcdErrorKind.LeaseNotFound)
        {
            // Revoked or expired already, maybe by the first of two attempts.
        }
    }

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stream = await WatchStream.OpenAsync(this, ranges, time, cancellation);
        while (true) yield return await NextAsync(stream, cancellation);
    }

    /// <summary>Asks each member for its version, all at once.</summary>
    public Task<MemberVersion[]> VersionsAsync(CancellationToken cancellation) =>
        Task.WhenAll(members.Select(member => VersionAsync(member, cancellation)));

    /// <summary>The state of this connection, one line each. It sends nothing.</summary>
    public IReadOnlyList<string> Describe()
    {
        var (current, preferred) = (selector.Current, selector.Preferred);
        var state = availability.UnavailableFor is { } since
            ? string.Create(CultureInfo.InvariantCulture, $"unavailable for {since.TotalSeconds:0} s")
            : "available";
        return
        [
            $"{state}, the next request goes to {members[current].Name}",
            .. current == preferred ? Array.Empty<string>() : [$"preferred member {members[preferred].Name} has failed; it is probed"],
            $"members {string.Join(", ", members.Select(member => member.Name))}",
        ];
    }

    public void Dispose()
    {
        disposed.Cancel();
        disposed.Dispose();
        foreach (var member in members) member.Dispose();
        token.Dispose();
    }

    private async Task<WatchResponse> NextAsync(WatchStream stream, CancellationToken cancellation)
    {
        try
        {
            return await stream.NextAsync(cancellation);
        }
        catch (EtcdException)
        {
            observer.WatchInterrupted();
            throw;
        }
    }

    /// <summary>Tries each member once, beginning with the one that answered last. An invalid token is renewed once, at the same
    /// member.</summary>
    internal async Task<T> TryMembersAsync<T>(MemberAttempt<T> attempt, CancellationToken cancellation)
    {
        LogClearTextOnce();
        var first = selector.Current;
        var isTokenRenewed = false;
        var failures = new List<EtcdException>(0);
        while (true)
        {
            var member = members[(first + failures.Count) % members.Length];
            var result = await TryMemberAsync(attempt, member, cancellation);
            if (result.Failed is not { } failed)
            {
                ReportResponse(member);
                return result.Response!;
            }

            if (failed.Failure.IsTokenInvalid && !isTokenRenewed && failed.Token is not null)
            {
                token.Invalidate(failed.Token);
                isTokenRenewed = true;
                continue;
            }

            var error = failed.Failure.Error;
            if (!failed.Failure.MayWorkElsewhere)
            {
                // The member is available: it rejected the request.
                ReportResponse(member);
                throw Summarize([error], failed.MayHaveHappened);
            }

            EtcdLog.MemberFailed(logger, error.Message);
            ReportFailure(member);
            failures.Add(error);
            if (failures.Count == members.Length || failed.MayHaveHappened) throw Fail(failures, failed);
        }
    }

    private async Task<MemberResult<T>> TryMemberAsync<T>(MemberAttempt<T> attempt, Member member, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(attempt.CallLimit, time, cancellation);
        string? used = null;
        long? sentAt = null;
        try
        {
            used = await token.GetAsync(member, limit.Token);
            sentAt = meter.Start();
            var options = Options(used, attempt.IsStream ? cancellation : limit.Token);
            var response = await attempt.Call(member, options, limit.Token);
            meter.Succeed(attempt.Operation, sentAt.Value);
            return new MemberResult<T>(response, Failed: null);
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            if (sentAt is { } started) meter.Fail(attempt.Operation, e, limit.HasPassed, started);
            var failure = member.Classify(e, limit.HasPassed ? attempt.CallLimit : null);
            var mayHaveHappened = sentAt is not null && failure.Error.MayHaveHappened && !attempt.IsRepeatable;
            return new MemberResult<T>(default, new FailedAttempt(failure, used, mayHaveHappened));
        }
    }

    /// <inheritdoc cref="EndpointSelector.Returned"/>
    internal Task Returned => selector.Returned;

    /// <inheritdoc cref="EndpointSelector.ReportFailure"/>
    internal void ReportFailure(Member member) => selector.ReportFailure(Array.IndexOf(members, member));

    /// <summary>Starts a probe of the preferred member, if it is due. No request waits for it. Called after each response of another
    /// member, so that it needs no timer.</summary>
    internal void ProbePreferredIfDue()
    {
        if (selector.BeginProbe() is { } preferred) _ = ProbeAsync(members[preferred]);
    }

    private async Task ProbeAsync(Member preferred)
    {
        bool isAvailable;
        var started = meter.Start();
        try
        {
            using var limit = new TimeLimit(EtcdDurations.Call, time, disposed.Token);
            var used = await token.GetAsync(preferred, limit.Token);
            started = meter.Start();
            // A linearizable read goes through the leader: a member that answers it belongs to a quorum.
            using var call = preferred.Call(EtcdMethods.Range, AnyKeyRequest(), Options(used, limit.Token));
            await call.ResponseAsync;
            meter.Succeed(EtcdOperation.Range, started);
            isAvailable = true;
        }
#pragma warning disable CA1031 // The probe has no caller: every failure is classified and logged here.
        catch (Exception e)
#pragma warning restore CA1031
        {
            meter.Fail(EtcdOperation.Range, e, e is OperationCanceledException, started);
            var failure = preferred.Classify(e, e is OperationCanceledException ? EtcdDurations.Call : null);
            // A member that rejects the request, such as for a missing permission, is available.
            isAvailable = !failure.MayWorkElsewhere;
            if (!isAvailable) EtcdLog.MemberFailed(logger, failure.Error.Message);
        }

        if (isAvailable) EtcdLog.PreferredMemberRecovered(logger, preferred.Name);
        selector.EndProbe(isAvailable);
    }

    private async Task<MemberVersion> VersionAsync(Member member, CancellationToken cancellation)
    {
        using var limit = new TimeLimit(EtcdDurations.Call, time, cancellation);
        try
        {
            var used = await token.GetAsync(member, limit.Token);
            using var call = member.Call(EtcdMethods.Status, new StatusRequest(), Options(used, limit.Token));
            return new MemberVersion(member.Name, (await call.ResponseAsync).Version);
        }
        catch (Exception e) when (e is not EtcdException)
        {
            cancellation.ThrowIfCancellationRequested();
            var failure = member.Classify(e, limit.HasPassed ? EtcdDurations.Call : null);
            return new MemberVersion(member.Name, Result.Failure(failure.Error.Message));
        }
        catch (EtcdException e)
        {
            return new MemberVersion(member.Name, Result.Failure(e.Message));
        }
    }

    private void LogClearTextOnce()
    {
        if (Interlocked.Exchange(ref isClearTextLogged, 1) != 0) return;
        foreach (var endpoint in options.ClearTextEndpoints) EtcdLog.ClearText(logger, endpoint.GetLeftPart(UriPartial.Authority));
    }

    private void ReportResponse(Member member)
    {
        selector.ReportResponse(Array.IndexOf(members, member));
        availability.ReportResponse(member);
        ProbePreferredIfDue();
    }

    /// <returns>The exception that ends the request.</returns>
    private EtcdException Fail(List<EtcdException> failures, FailedAttempt last)
    {
        if (failures.Count < members.Length) return Summarize(failures, last.MayHaveHappened);
        var summary = Summarize(failures, last.MayHaveHappened, options.Advice);
        availability.ReportFailure(summary);
        // etcd delays a request until it has applied the raft entry that the token names. An etcd that was restored from a snapshot is
        // behind that entry, for days. The next request uses a new token.
        if (last.Token is { } used && failures.Exists(failure => failure.Kind == EtcdErrorKind.TimedOut)) token.Invalidate(used);
        return summary;
    }

    /// <summary>The failures of all members in one line. A wrong certificate at one member is not the cause if another one is
    /// unavailable.</summary>
    /// <param name="advice">What to do; null for nothing.</param>
    private static EtcdException Summarize(List<EtcdException> failures, bool mayHaveHappened, string? advice = null)
    {
        var cause = failures.FindLast(failure => failure.CanRecover) ?? failures[^1];
        var message = string.Join("; ", failures.Select(failure => failure.Message).Distinct());
        if (advice is not null) message = $"{message.TrimEnd('.')}; {advice}";
        return new EtcdException(cause.Kind, message, mayHaveHappened, cause.InnerException);
    }

    private static bool IsRead(TxnRequest request) =>
        request.Success.Concat(request.Failure).All(op => op.RequestCase == RequestOp.RequestOneofCase.RequestRange);

    private static CallOptions Options(string? token, CancellationToken lifetime)
    {
        // A member without a leader then rejects the request at once, instead of waiting for a quorum.
        var headers = new Metadata { { "hasleader", "true" } };
        if (!string.IsNullOrEmpty(token)) headers.Add("token", token);
        return new CallOptions(headers, cancellationToken: lifetime);
    }

    private static RangeRequest AnyKeyRequest() => new() { Key = AnyKey, KeysOnly = true };

    private Task<TResponse> CallAsync<TRequest, TResponse>(
        EtcdOperation operation, bool isRepeatable, Method<TRequest, TResponse> method, TRequest request, CancellationToken cancellation)
        where TRequest : class
        where TResponse : class
    {
        return TryMembersAsync(new MemberAttempt<TResponse>(operation, RunAsync) { IsRepeatable = isRepeatable }, cancellation);

        async Task<TResponse> RunAsync(Member member, CallOptions options, CancellationToken limit)
        {
            using var running = member.Call(method, request, options);
            return await running.ResponseAsync;
        }
    }
}
